// SPDX-License-Identifier: Apache-2.0
// What the parts about process snapshots have measured. Their figures are of processor time, where not said otherwise: they were
// measured beside other work more often than the rest.
import { geometricMean, median } from '../../src/util/statistics.js'
import { beyondBare, type Kind, type SnapshotRow } from '../parts/snapshot.js'
import type { SnapshotUse } from '../parts/snapshot-use.js'
import type { WorkersRow } from '../parts/snapshot-workers.js'
import type { Results } from '../results.js'
import { applicationsSection } from './applications.js'
import { part } from './goals.js'
import { factorText, megabytes, msText, table } from './markdown.js'

type Factor = (row: SnapshotRow) => number | undefined

/** Whole processes, by processor time. */
const processFactor: Factor = ({ warm: { plain, snapshot } }) =>
  plain && snapshot && plain.processCpu.median / snapshot.processCpu.median

/** What the table shows as factors. */
const FACTORS = {
  import: (row) => beyondBare(row.warm, 'doneCpu'),
  archive: (row) => {
    const [whole, rest] = [beyondBare(row.warm, 'doneCpu'), beyondBare(row.warm, 'doneCpu', 'archive')]
    return whole && rest && whole / rest
  },
  process: processFactor,
  cold: (row) => beyondBare(row.cold, 'done'),
} as const satisfies Record<string, Factor>

/** Which images were measured: as they are shipped, or without bytecode. */
type PartName = 'snapshot' | 'snapshot-nopyc'

/** The rows of packages of which a snapshot was shipped. */
function shipped(results: Results, python: string, name: PartName = 'snapshot'): SnapshotRow[] {
  return part<SnapshotRow>(results, name).filter(
    (row) => row.python === python && row.snapshot.reason === null,
  )
}

/** A mean of the README: of how many packages, and which gains least; undefined where none was measured. */
export function snapshotMean(
  results: Results,
  python: string,
  what: keyof typeof FACTORS,
  name: PartName = 'snapshot',
): { factor: number; count: number; least: { factor: number; package: string } } | undefined {
  const found = shipped(results, python, name).flatMap((row) => {
    const factor = FACTORS[what](row)
    return factor === undefined ? [] : [{ factor, package: row.package }]
  })
  const [least] = [...found].sort((a, b) => a.factor - b.factor)
  return least && { factor: geometricMean(found.map(({ factor }) => factor)), count: found.length, least }
}

/** @param applications  figures of whole applications, which are measured for themselves */
export function snapshotSection(results: Results, applications?: Results): string[] {
  const rows = part<SnapshotRow>(results, 'snapshot')
  if (rows.length === 0) return []
  const pythons = [...new Set(rows.map(({ python }) => python))]
  const loads = rows.map(({ load }) => load)
  return [
    '## Process snapshots',
    `\`bake --snapshot\`, each package alone, ${results.started.slice(0, 10)}, commit ${results.commit}. ` +
      `${Math.round(Math.min(...loads))} to ${Math.round(Math.max(...loads))} processes were ready to run on the machine's ` +
      `${results.machine.cores} cores, so the figures are processor time, but for those with an emptied page cache, which are elapsed. ` +
      'Milliseconds are medians of starts in turns, from the start of the process until the import is done, beyond a bare start. ' +
      'A snapshot goes on behind the hook, in a Python that has started; or at once (`--snapshot-launch entrypoint`), without one.',
    ...pythons.flatMap((python) => [`### CPython ${python}`, pythonTable(results, python)]),
    ...missing(rows),
    ...unknownSection(rows),
    ...withoutBytecodeSection(results),
    ...useSection(results),
    ...workersSection(results),
    ...(applications ? applicationsSection(applications) : []),
  ]
}

function pythonTable(results: Results, python: string): string {
  const rows = shipped(results, python).map((row) => [
    row.package,
    String(row.snapshot.modules),
    row.snapshot.compressedBytes === null ? '–' : megabytes(row.snapshot.compressedBytes),
    ...(['plain', 'archive', 'snapshot', 'atOnce'] as const).map((kind) => beyond(row, kind)),
    ...Object.values(FACTORS)
      .filter((factor) => factor !== FACTORS.archive)
      .map((factor) => factorText(factor(row))),
  ])
  const mean = (what: keyof typeof FACTORS) =>
    `**${factorText(snapshotMean(results, python, what)?.factor)}**`
  const head = ['package', 'modules', 'gzip', 'plain, ms', 'archive, ms', 'snapshot, ms', 'at once, ms']
  return table(
    ['left', ...Array.from({ length: 9 }, () => 'right' as const)],
    [
      [...head, 'import', 'whole process', 'import, cold'],
      ...rows,
      ['**geometric mean**', '', '', '', '', '', '', mean('import'), mean('process'), mean('cold')],
    ],
  )
}

/** Programs that the bake has not seen. */
function unknownSection(rows: readonly SnapshotRow[]): string[] {
  const more = rows.flatMap(({ warm: { archive, unknown } }) =>
    archive && unknown ? [unknown.processCpu.median - archive.processCpu.median] : [],
  )
  if (more.length === 0) return []
  return [
    `A main program that the trace of the bake does not know starts with the archive alone. Beside starts with \`PYCDS_SNAPSHOT=off\` ` +
      `the processor time of its whole process differs by ${msText(median(more))} ms, the median of ${more.length} packages ` +
      `(${msText(Math.min(...more))} to ${msText(Math.max(...more))}).`,
  ]
}

function withoutBytecodeSection(results: Results): string[] {
  const pythons = [...new Set(part<SnapshotRow>(results, 'snapshot-nopyc').map(({ python }) => python))]
  const rows = pythons.flatMap((python) => shipped(results, python, 'snapshot-nopyc'))
  if (rows.length === 0) return []
  const means = pythons.flatMap((python) => {
    const mean = snapshotMean(results, python, 'import', 'snapshot-nopyc')
    return mean ? [`${factorText(mean.factor)} of ${mean.count} on ${python}`] : []
  })
  return [
    '### Snapshots of images without bytecode',
    `Against the same image, which compiles at each start: ${means.join(', ')} (geometric means, import).`,
    table(
      ['left', 'left', 'right', 'right', 'right', 'right', 'right'],
      [
        ['package', 'CPython', 'plain, ms', 'archive, ms', 'snapshot, ms', 'import', 'whole process'],
        ...rows.map((row) => [
          row.package,
          row.python,
          ...(['plain', 'archive', 'snapshot'] as const).map((kind) => beyond(row, kind)),
          factorText(FACTORS.import(row)),
          factorText(processFactor(row)),
        ]),
      ],
    ),
  ]
}

function beyond({ warm }: SnapshotRow, kind: Kind): string {
  const [own, bare] = [warm[kind], warm.bare]
  return own && bare ? msText(own.doneCpu.median - bare.doneCpu.median) : '–'
}

/** Packages without a snapshot, and modules that are not in one. */
function missing(rows: readonly SnapshotRow[]): string[] {
  const lines = rows.flatMap(({ python, package: name, snapshot: { reason, leftOut } }) => {
    if (reason !== null) return [`- ${name} on ${python} has none: ${reason}.`]
    const causes = leftOut
      .filter((one) => one.name === one.because)
      .map((one) => `${one.name} (${one.reason})`)
    return causes.length > 0 ? [`- ${name} on ${python} is held without ${causes.join(', ')}.`] : []
  })
  return lines.length > 0 ? [lines.join('\n')] : []
}

function useSection(results: Results): string[] {
  const uses = part<SnapshotUse>(results, 'snapshot-use')
  const commits = [...new Set(uses.map(({ commit }) => commit ?? results.commit))]
  const rows = uses.map((row) => [
    row.python,
    row.package,
    row.work,
    ...[row.plain, row.snapshot].map(
      ({ median, q1, q3 }) => `${msText(median)} (${msText(q1)} to ${msText(q3)})`,
    ),
    factorText(row.snapshot.median / row.plain.median),
    ...[row.importedPss, row.workedPss].map(
      ([plain, own]) => `${factorText(own / plain)} of ${megabytes(plain)}`,
    ),
  ])
  if (rows.length === 0) return []
  const head = ['CPython', 'package', 'work', 'plain, ms', 'snapshot, ms', 'ratio']
  return [
    '### Work and memory',
    'Processor time of the same work after the import, in turns; and the proportional set sizes (PSS) of ten containers together, ' +
      `as multiples of those of the image as shipped, after the import and after the work. Commit ${commits.join(', ')}.`,
    table(
      ['left', 'left', 'left', ...Array.from({ length: 5 }, () => 'right' as const)],
      [[...head, 'memory, imported', 'memory, worked'], ...rows],
    ),
  ]
}

function workersSection(results: Results): string[] {
  const all = part<WorkersRow>(results, 'snapshot-workers')
  if (all.length === 0) return []
  const commits = [...new Set(all.map(({ commit }) => commit ?? results.commit))]
  const rows = all.flatMap(({ python, package: name, ways }) =>
    Object.entries(ways).map(([way, { ready, cpu, pssBytes }]) => [
      ...[python, name, way],
      ...[ready, cpu].map(({ median, q1, q3 }) => `${msText(median)} (${msText(q1)} to ${msText(q3)})`),
      factorText(ways.plain.ready.median / ready.median),
      `${factorText(pssBytes / ways.plain.pssBytes)} of ${megabytes(ways.plain.pssBytes)}`,
    ]),
  )
  return [
    '### Workers that are spawned',
    'A launcher spawns four workers that import the package as it does itself (`bench/workers`): elapsed time from its start until all are ready, ' +
      'processor time of all five until their end, which snapshots do not shorten, and the PSS of all while they wait. ' +
      `Commit ${commits.join(', ')}.`,
    table(
      ['left', 'left', 'left', 'right', 'right', 'right', 'right'],
      [['CPython', 'package', '', 'ready, ms', 'processor to the end, ms', 'ready', 'memory'], ...rows],
    ),
  ]
}
