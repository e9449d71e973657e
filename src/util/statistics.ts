// SPDX-License-Identifier: Apache-2.0

/** What a list of measured values comes to. The same unit as the values. */
export interface Summary {
  median: number
  /** Lower and upper quartile: half of the values lie between them. */
  q1: number
  q3: number
  min: number
  max: number
  count: number
}

/** Summarises measured values; undefined when there are none. */
export function summarise(values: readonly number[]): Summary | undefined {
  const sorted = [...values].sort((a, b) => a - b)
  const [min] = sorted
  const max = sorted.at(-1)
  if (min === undefined || max === undefined) return undefined
  const [q1, median, q3] = [0.25, 0.5, 0.75].map((share) => quantile(sorted, share)) as [
    number,
    number,
    number,
  ]
  return { median, q1, q3, min, max, count: sorted.length }
}

/** The middle of a list, NaN when it is empty. */
export function median(values: readonly number[]): number {
  return summarise(values)?.median ?? Number.NaN
}

/** The mean for factors: one that is halved and one that is doubled come to 1. NaN when the list is empty. */
export function geometricMean(factors: readonly number[]): number {
  return Math.exp(factors.reduce((sum, factor) => sum + Math.log(factor), 0) / factors.length)
}

/**
 * How far the factor between the medians of two lists may be off, as a share of it: the standard errors of both, from
 * how far their values are spread. Undefined with fewer than two values in one of them.
 */
export function errorOfFactor(before: readonly number[], after: readonly number[]): number | undefined {
  if (before.length < 2 || after.length < 2) return undefined
  return Math.hypot(errorOfMedian(before), errorOfMedian(after))
}

/** Whether half of the values of one list lie farther apart than the medians of both. */
export function isNoisy(before: readonly number[], after: readonly number[]): boolean {
  const [a, b] = [summarise(before), summarise(after)]
  if (a === undefined || b === undefined) return false
  return Math.max(a.q3 - a.q1, b.q3 - b.q1) > Math.abs(a.median - b.median)
}

/** The standard error of a median, as a share of it, as for values that are normally distributed. */
function errorOfMedian(values: readonly number[]): number {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length
  const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0)
  const deviation = Math.sqrt(squares / (values.length - 1))
  return (Math.sqrt(Math.PI / 2) * deviation) / Math.sqrt(values.length) / median(values)
}

/** Between two neighbours in proportion, as most tools do it. */
function quantile(sorted: readonly number[], share: number): number {
  const at = (sorted.length - 1) * share
  const low = sorted[Math.floor(at)] ?? Number.NaN
  const high = sorted[Math.ceil(at)] ?? low
  return low + (high - low) * (at - Math.floor(at))
}
