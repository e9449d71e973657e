// SPDX-License-Identifier: Apache-2.0
// Tables of packages: one row each, and the geometric means.
import type { ContestantName } from '../contestants.js'
import type { Entry, Results } from '../results.js'
import { baselineOf, factor, idealFactor, isPure, type Metric, meanFactor, meanOfAll } from '../summary.js'
import { type Align, factorText, msText, table } from './markdown.js'

/** A column of factors: who, measured how. */
interface Column {
  readonly title: string
  readonly name: ContestantName
  readonly metric: Metric
}

/** Times of plain and baked with quartiles, then factors, then what an ideal loader reaches. */
export function packageTable(
  entries: readonly Entry[],
  metric: 'phase' | 'process',
  results: Results,
): string {
  const hasIdeal = metric === 'phase' && entries.some((entry) => idealFactor(entry, results) !== undefined)
  const others = (['cds', 'lazy'] as const).filter((name) => entries.some((entry) => entry.contestants[name]))
  const columns: Column[] = [
    { title: 'pycds-image', name: 'pycds', metric },
    { title: 'processor time', name: 'pycds', metric: metric === 'phase' ? 'phaseCpu' : 'processCpu' },
    ...others.map((name) => ({ title: name === 'cds' ? 'code-data-share' : 'lazy imports', name, metric })),
  ]
  const rows = entries.map((entry) => [
    entry.package,
    spread(entry, 'plain', metric),
    spread(entry, 'pycds', metric),
    ...columns.map((column) =>
      factorText(factor(entry, column.metric, column.name, baselineOf(column.name))),
    ),
    ...(hasIdeal ? [factorText(idealFactor(entry, results))] : []),
  ])
  const head = ['package', 'plain, ms', 'baked, ms', ...columns.map(({ title }) => title)]
  const align: Align[] = ['left', ...Array.from({ length: head.length - 1 }, () => 'right' as const)]
  const ideal = [entries, entries.filter(isPure)].map((group) =>
    factorText(meanOfAll(group, (entry) => idealFactor(entry, results))),
  )
  const means = meanRows(entries, columns, 2).map((row, index) =>
    hasIdeal ? [...row, ideal[index] ?? ''] : row,
  )
  return hasIdeal
    ? table([...align, 'right'], [[...head, 'ideal loader'], ...rows, ...means])
    : table(align, [head, ...rows, ...means])
}

/** Images without bytecode: their own baseline. */
export function withoutBytecodeTable(entries: readonly Entry[]): string {
  const columns: Column[] = [
    { title: 'import', name: 'pycds-nopyc', metric: 'phase' },
    { title: 'whole process', name: 'pycds-nopyc', metric: 'process' },
  ]
  const rows = entries.map((entry) => [
    entry.package,
    spread(entry, 'nopyc', 'phase'),
    spread(entry, 'pycds-nopyc', 'phase'),
    ...columns.map(({ metric, name }) => factorText(factor(entry, metric, name, 'nopyc'))),
  ])
  const head = ['package', 'plain import, ms', 'baked import, ms', ...columns.map(({ title }) => title)]
  return table(
    ['left', 'right', 'right', 'right', 'right'],
    [head, ...rows, ...meanRows(entries, columns, 2)],
  )
}

function meanRows(entries: readonly Entry[], columns: readonly Column[], skip: number): string[][] {
  const groups: [string, Entry[]][] = [
    ['**geometric mean**', [...entries]],
    ['**without large native libraries**', entries.filter(isPure)],
  ]
  const distinct = groups.filter(([, group], index) => index === 0 || group.length < entries.length)
  return distinct.map(([title, group]) => [
    title,
    ...Array.from({ length: skip }, () => ''),
    ...columns.map(({ metric, name }) => {
      const mean = meanFactor(group, metric, name, baselineOf(name))
      return mean ? `**${factorText(mean.factor)}**` : '–'
    }),
  ])
}

function spread(entry: Entry, name: ContestantName, metric: Metric): string {
  const times = entry.contestants[name]?.[metric]
  return times ? `${msText(times.median)} (${msText(times.q1)} to ${msText(times.q3)})` : '–'
}
