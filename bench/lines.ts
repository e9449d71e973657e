// SPDX-License-Identifier: Apache-2.0
// What is printed while the benchmark runs.
import type { ContestantName } from './contestants.js'
import type { Entry, Results } from './results.js'
import { baselineOf, factor, isPure, type Metric, meanFactor } from './summary.js'

const METRICS: readonly [Metric, string][] = [
  ['phase', 'import'],
  ['phaseCpu', 'import cpu'],
  ['process', 'process'],
  ['processCpu', 'process cpu'],
]

/** One package: per contestant the median, the quartiles and the factor. */
export function describeEntry(entry: Entry): string {
  const head = `${entry.python} ${entry.cache} ${entry.package}`
  const lines = METRICS.map(([metric, title]) => {
    const cells = names(entry).map((name) => {
      const times = entry.contestants[name]?.[metric]
      const gain = factor(entry, metric, name, baselineOf(name))
      const mark = gain === undefined || name === baselineOf(name) ? '' : ` ${gain.toFixed(2)}x`
      return times
        ? `${name} ${times.median.toFixed(1)} (${times.q1.toFixed(1)}-${times.q3.toFixed(1)})${mark}`
        : ''
    })
    return `  ${title.padEnd(12)}${cells.join('   ')}`
  })
  const absent = entry.absent.map(({ name, reason }) => `  without ${name}: ${reason.split('\n').at(-1)}`)
  return [head, ...lines, ...absent].join('\n')
}

/** The means over everything measured so far. */
export function describeMeans(results: Results): string {
  const groups = [...new Set(results.entries.map((entry) => `${entry.python} ${entry.cache}`))]
  const lines = groups.flatMap((group) => {
    const all = results.entries.filter((entry) => `${entry.python} ${entry.cache}` === group)
    return [
      ...describeGroup(`${group}, all`, all),
      ...describeGroup(`${group}, without large native libraries`, all.filter(isPure)),
    ]
  })
  return ['Geometric means, in ms medians against plain CPython of the same image:', ...lines].join('\n')
}

function describeGroup(title: string, entries: readonly Entry[]): string[] {
  const seen = [...new Set(entries.flatMap(names))].filter(
    (name) => name !== baselineOf(name) && name !== 'nopyc',
  )
  return seen.flatMap((name) =>
    METRICS.flatMap(([metric, what]) => {
      const mean = meanFactor(entries, metric, name, baselineOf(name))
      if (mean === undefined) return []
      return `  ${title}: ${name} ${what} ${mean.factor.toFixed(3)}x of ${mean.count}, least ${mean.least.factor.toFixed(2)}x ${mean.least.package}`
    }),
  )
}

function names(entry: Entry): ContestantName[] {
  return Object.keys(entry.contestants) as ContestantName[]
}
