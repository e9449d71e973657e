// SPDX-License-Identifier: Apache-2.0
import { isImageId, shortId } from '../../image/index.js'
import type { Style } from '../../log/index.js'
import type { BenchResult, BenchSubject, Cache, Metric } from '../../usecases/bench/result.js'
import type { Summary } from '../../util/statistics.js'
import { formatCount, formatFactor, formatMs } from '../../util/units.js'
import { renderTable } from './table.js'

const METRICS: readonly [Metric, string][] = [
  ['imports', 'imports done'],
  ['ready', 'listening'],
  ['process', 'whole process'],
]

/** The comparison for people. */
export function renderBench(result: BenchResult, style: Style): string {
  const { image, baseline, runs } = result
  const caches = (['warm', 'cold'] as const).filter((cache) => result.subjects.every((one) => one[cache]))
  return [
    style.strong(`${image.reference} against ${nameOf(baseline)}`),
    `  medians of ${formatCount(runs, 'start')} each, in turns; half of the starts lie in the brackets`,
    ...caches.flatMap((cache) => ['', ...renderCache(result, cache)]),
    ...(result.withoutBytecode === null
      ? []
      : ['', `  no second baseline with bytecode: ${result.withoutBytecode}`]),
    ...(result.withoutCold === null ? [] : ['', `  no cold starts: ${result.withoutCold}`]),
    ...renderGate(result, style),
  ].join('\n')
}

/** Nobody has typed the id that a baked image has of its source. */
function nameOf({ reference, id }: BenchResult['baseline']): string {
  return isImageId(reference) ? `what it was baked from (${shortId(id)})` : reference
}

function renderCache({ subjects, speedups }: BenchResult, cache: Cache): string[] {
  const metrics = METRICS.filter(([metric]) => subjects.every((one) => one[cache]?.[metric]))
  const rows = [
    [`${cache} page cache`, ...metrics.map(([, title]) => title)],
    ...subjects.map((one) => [one.title, ...metrics.map(([metric]) => renderTimes(one, cache, metric))]),
    ...subjects
      .filter(({ id }) => id !== 'baked')
      .map(({ id, title }) => [
        `speed-up, ${title}`,
        ...metrics.map(([metric]) => {
          const found = speedups.find(
            (one) => one.against === id && one.cache === cache && one.metric === metric,
          )
          return found ? formatFactor(found.factor) : ''
        }),
      ]),
  ]
  return renderTable(['left', ...metrics.map(() => 'right' as const)], rows).map((line) => `  ${line}`)
}

function renderTimes(subject: BenchSubject, cache: Cache, metric: Metric): string {
  const times = subject[cache]?.[metric]
  return times ? `${formatMs(times.median)} (${renderSpread(times)})` : ''
}

function renderSpread({ q1, q3 }: Summary): string {
  return `${Math.round(q1)} to ${Math.round(q3)}`
}

function renderGate({ gate, metric }: BenchResult, style: Style): string[] {
  if (gate === null) return []
  const [, what] = METRICS.find(([name]) => name === metric) ?? ['', metric]
  const said = `${what}: ${formatFactor(gate.speedup)}, ${formatFactor(gate.minSpeedup)} asked for`
  return ['', gate.ok ? style.good(said) : style.bad(said)]
}
