// SPDX-License-Identifier: Apache-2.0
// Factors and their means, from what was measured.
import { geometricMean } from '../src/util/statistics.js'
import type { ContestantName } from './contestants.js'
import { PACKAGES } from './packages.js'
import type { Floor } from './parts/floor.js'
import type { Entry, Results, Times } from './results.js'

export type Metric = keyof Times

/** How many times as fast `name` is as `baseline`; undefined where one of them did not take part. */
export function factor(
  entry: Entry,
  metric: Metric,
  name: ContestantName,
  baseline: ContestantName,
): number | undefined {
  const [own, other] = [entry.contestants[name], entry.contestants[baseline]]
  return own && other ? other[metric].median / own[metric].median : undefined
}

export interface Mean {
  readonly factor: number
  /** Of how many packages. */
  readonly count: number
  readonly least: { readonly package: string; readonly factor: number }
}

/** The geometric mean of a contestant's factors over the packages where both took part. */
export function meanFactor(
  entries: readonly Entry[],
  metric: Metric,
  name: ContestantName,
  baseline: ContestantName,
): Mean | undefined {
  const factors = entries
    .map((entry) => ({ package: entry.package, factor: factor(entry, metric, name, baseline) }))
    .filter((one): one is { package: string; factor: number } => one.factor !== undefined)
  const [least] = [...factors].sort((a, b) => a.factor - b.factor)
  if (least === undefined) return undefined
  return { factor: geometricMean(factors.map((one) => one.factor)), count: factors.length, least }
}

/** How many times as fast an ideal loader is on this package, in processor time; undefined where it was not measured. */
export function idealFactor(entry: Entry, results: Results): number | undefined {
  const floors = (results.parts.floor ?? []) as Floor[]
  return floors.find((row) => row.package === entry.package && row.python === entry.python)?.cpuFactor
}

/** How many times as fast as `baseline` a whole process would be with it, the rest of the process being as it is. */
export function idealProcessFactor(
  entry: Entry,
  baseline: ContestantName,
  results: Results,
): number | undefined {
  const [{ plain, [baseline]: other }, ideal] = [entry.contestants, idealFactor(entry, results)]
  if (!plain || !other || ideal === undefined) return undefined
  return other.process.median / (plain.process.median - plain.phase.median * (1 - 1 / ideal))
}

/** The geometric mean of factors; undefined unless there is one for every entry. */
export function meanOfAll(
  entries: readonly Entry[],
  factorOf: (entry: Entry) => number | undefined,
): number | undefined {
  const factors = entries.flatMap((entry) => factorOf(entry) ?? [])
  return factors.length > 0 && factors.length === entries.length ? geometricMean(factors) : undefined
}

/** Packages without large native libraries, where nearly all time is Python's. */
export function isPure(entry: Entry): boolean {
  return PACKAGES.find((one) => one.name === entry.package)?.image !== 'native'
}

/** The contestant that a figure is compared with: who has no bytecode, with who has none. */
export function baselineOf(name: ContestantName): ContestantName {
  return name === 'pycds-nopyc' ? 'nopyc' : 'plain'
}
