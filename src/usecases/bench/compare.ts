// SPDX-License-Identifier: Apache-2.0
import type { BenchResult, BenchSubject, Metric } from './result.js'

/** The one that says most comes first. */
export const METRICS: readonly Metric[] = ['process', 'ready', 'imports']

/** The metric by which an image is judged: one that all its starts have. */
export function mainMetric(subjects: readonly BenchSubject[]): Metric {
  return METRICS.find((metric) => subjects.every(({ warm }) => warm[metric] !== null)) ?? 'imports'
}

/** The factors of the medians between the baked image and each of the others. */
export function speedups(subjects: readonly BenchSubject[]): BenchResult['speedups'] {
  const baked = subjects.find(({ id }) => id === 'baked')
  return subjects
    .filter(({ id }) => id !== 'baked')
    .flatMap((other) =>
      (['warm', 'cold'] as const).flatMap((cache) =>
        METRICS.flatMap((metric) => {
          const [before, after] = [other[cache]?.[metric], baked?.[cache]?.[metric]]
          if (!before || !after) return []
          return [{ against: other.id, cache, metric, factor: before.median / after.median }]
        }),
      ),
    )
}

/** Judges the warm starts against the image as it was shipped. */
export function judge(
  minSpeedup: number | undefined,
  metric: Metric,
  factors: BenchResult['speedups'],
): BenchResult['gate'] {
  if (minSpeedup === undefined) return null
  const main = factors.find(
    (one) => one.against === 'shipped' && one.cache === 'warm' && one.metric === metric,
  )
  const speedup = main?.factor ?? 0
  return { minSpeedup, speedup, ok: speedup >= minSpeedup }
}
