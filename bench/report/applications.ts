// SPDX-License-Identifier: Apache-2.0
// What the part about whole applications has measured.
import { geometricMean, type Summary } from '../../src/util/statistics.js'
import type { ApplicationRow, WayTimes } from '../parts/applications.js'
import type { Results } from '../results.js'
import type { Way } from '../ways.js'
import { part } from './goals.js'
import { factorText, megabytes, msText, table } from './markdown.js'

const TITLES: Readonly<Record<Exclude<Way, 'bare'>, string>> = {
  plain: 'plain',
  archive: 'archive',
  snapshot: 'snapshot',
  atOnce: 'at once',
}
const WAYS = Object.keys(TITLES) as (keyof typeof TITLES)[]
const OTHERS = WAYS.filter((way) => way !== 'plain')

/** How many times as fast as the plain image an application starts in another way; undefined where it was not measured. */
export function factorOf(
  { times }: Pick<ApplicationRow, 'times'>,
  way: Way,
  metric: keyof WayTimes,
): number | undefined {
  const [plain, other] = [times.plain, times[way]]
  return plain && other && plain[metric].median / other[metric].median
}

export function applicationsSection(results: Results): string[] {
  const all = part<ApplicationRow>(results, 'applications')
  const rows = all.filter(({ reason }) => reason === null)
  if (rows.length === 0) return []
  const loads = rows.map(({ load }) => load)
  const starts = Math.max(...rows.map(({ times }) => times.plain?.ready.count ?? 0))
  return [
    '### Whole applications',
    "The [examples](../examples) on Debian's CPython 3.11 and the pages of the [cookbook](cookbook/README.md) on 3.13, as their images " +
      'start them, until a request is answered or, where marked with ¹, until the end; ' +
      `${results.started.slice(0, 10)}, commit ${results.commit}, ${Math.round(Math.min(...loads))} to ${Math.round(Math.max(...loads))} ` +
      `processes ready to run. Medians of ${starts} starts in turns, half of the starts in brackets, factors against the plain image. ` +
      'All give the same answer. The archive is that of the same bake with `PYCDS_SNAPSHOT=off`; *at once* is ' +
      '`--snapshot-launch entrypoint`, where the entrypoint allows it.',
    `Milliseconds of the processor, of the whole container with what sets it up; one that runs nothing takes ${bare(rows, 'cpu')}:`,
    timesTable(rows, 'cpu'),
    `Elapsed milliseconds, from the call of \`docker start\`; a container that runs nothing has ended after ${bare(rows, 'ready')}:`,
    timesTable(rows, 'ready'),
    'What the bake adds to the image, compressed:',
    layerTable(rows),
    ...without(all),
  ]
}

function timesTable(rows: readonly ApplicationRow[], metric: keyof WayTimes): string {
  const means = OTHERS.map((way) => {
    const factors = rows.flatMap((row) => factorOf(row, way, metric) ?? [])
    return factors.length > 0 ? `**${factorText(geometricMean(factors))}** of ${factors.length}` : '–'
  })
  const head = [
    'application',
    ...WAYS.map((way) => `${TITLES[way]}, ms`),
    ...OTHERS.map((way) => TITLES[way]),
  ]
  return table(
    ['left', ...head.slice(1).map(() => 'right' as const)],
    [
      head,
      ...rows.map((row) => [
        nameOf(row),
        ...WAYS.map((way) => spread(row.times[way]?.[metric])),
        ...OTHERS.map((way) => factorText(factorOf(row, way, metric))),
      ]),
      ['**geometric mean**', ...WAYS.map(() => ''), ...means],
    ],
  )
}

function layerTable(rows: readonly ApplicationRow[]): string {
  return table(
    ['left', 'right', 'right'],
    [
      ['application', 'archive', 'snapshot'],
      ...rows.map(({ application, layer }) => [
        application,
        layer ? megabytes(layer.compressedBytes - layer.snapshotBytes) : '–',
        layer && layer.withoutSnapshot === null ? megabytes(layer.snapshotBytes) : '–',
      ]),
    ],
  )
}

/** The least and the most of all applications: their images differ in how much has to be mounted. */
function bare(rows: readonly ApplicationRow[], metric: keyof WayTimes): string {
  const medians = rows.flatMap(({ times }) => times.bare?.[metric].median ?? [])
  return `${msText(Math.min(...medians))} to ${msText(Math.max(...medians))}`
}

function nameOf({ application, until }: ApplicationRow): string {
  return until === 'end' ? `${application} ¹` : application
}

function spread(times: Summary | undefined): string {
  return times ? `${msText(times.median)} (${msText(times.q1)} to ${msText(times.q3)})` : '–'
}

/** Applications that lack a way, or all of them. */
function without(rows: readonly ApplicationRow[]): string[] {
  const lines = rows.flatMap(({ application, reason, layer }) => {
    if (reason !== null) return [`- ${application} was not measured: ${reason}.`]
    if (layer && layer.withoutSnapshot !== null)
      return [`- ${application} has no snapshot: ${layer.withoutSnapshot}.`]
    return layer && layer.notAtOnce !== null
      ? [`- ${application} does not go on at once: ${layer.notAtOnce}.`]
      : []
  })
  return lines.length > 0 ? [lines.join('\n')] : []
}
