// SPDX-License-Identifier: Apache-2.0
// docs/performance.md and the README's table, from saved figures and nothing else.
import { readFile, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { TITLES } from '../contestants.js'
import { measuredInFull, PYTHONS, type Python } from '../pythons.js'
import { type Results, readResults } from '../results.js'
import { ROOT } from '../shell.js'
import { baselineOf, meanFactor } from '../summary.js'
import { goalTable, select } from './goals.js'
import { learnSection } from './learn.js'
import { factorText, replaceBetween, table } from './markdown.js'
import { packageTable, withoutBytecodeTable } from './packages.js'
import { fixedSection, growthSection, memorySection, profileSection, sizeSection } from './parts.js'
import { snapshotMean, snapshotSection } from './snapshot.js'

const MARKER = 'benchmark'
const NOTES = 'bench/notes.md'
/** Beside the other figures: measured for themselves, and not on the same day. */
const SNAPSHOTS = 'snapshot.json'
const APPLICATIONS = 'applications.json'
const LEARNING = 'learn.json'

/** Figures of parts that are measured for themselves; each may be absent. */
export interface Beside {
  readonly snapshots?: Results | undefined
  readonly applications?: Results | undefined
  readonly learning?: Results | undefined
}

/** Writes both files; throws when there are no figures. */
export async function report(path: string): Promise<string[]> {
  const results = await readResults(path)
  if (!results) throw new Error(`${path}: no figures; measure first: npm run bench`)
  const beside = await readBeside(dirname(path))
  const notes = await readFile(join(ROOT, NOTES), 'utf8').catch(() => '')
  const [document, readme] = [join(ROOT, 'docs/performance.md'), join(ROOT, 'README.md')]
  await writeFile(document, performancePage(results, notes.trim(), beside))
  await writeFile(
    readme,
    replaceBetween(await readFile(readme, 'utf8'), MARKER, readmeTable(results, beside.snapshots)),
  )
  return [document, readme]
}

/** What a directory of results has of them. */
export async function readBeside(directory: string): Promise<Beside> {
  const read = (name: string) => readResults(join(directory, name))
  return {
    snapshots: await read(SNAPSHOTS),
    applications: await read(APPLICATIONS),
    learning: await read(LEARNING),
  }
}

/** The whole page. */
export function performancePage(
  results: Results,
  notes: string,
  { snapshots, applications, learning }: Beside = {},
): string {
  const pythons = PYTHONS.filter(({ id }) => results.entries.some((entry) => entry.python === id))
  return `${[
    '# Performance',
    'Made by `npm run bench -- report` from `bench/results/full.json`; do not edit. What was measured, and how, is in [bench](../bench/README.md).',
    facts(results),
    '## Goals',
    goalTable(results, measuredInFull(pythons)),
    ...(notes ? ['## What is in between', notes] : []),
    ...pythons.flatMap((python) => pythonSections(python, results)),
    ...(snapshots ? snapshotSection(snapshots, applications) : []),
    ...(learning ? learnSection(learning) : []),
    ...fixedSection(results),
    ...growthSection(results),
    ...sizeSection(results),
    ...memorySection(results),
    ...profileSection(results),
    ...missingSection(results),
  ].join('\n\n')}\n`
}

/** Means over the packages, and what the least of them gains: a column for each interpreter, and one with a snapshot. */
export function readmeTable(results: Results, snapshots?: Results): string {
  const measured = PYTHONS.filter(({ id }) => results.entries.some((entry) => entry.python === id))
  const pythons = measuredInFull(measured)
  const frozen = pythons.filter(({ id }) => snapshots && snapshotMean(snapshots, id, 'import'))
  const rows = [
    ['import, image with `.pyc` files', 'warm', 'phase', 'pycds', 'import'],
    ['whole process, the same image', 'warm', 'process', 'pycds', 'process'],
    ['import, page cache emptied before', 'cold', 'phase', 'pycds', 'cold'],
    ['import, image without `.pyc` files', 'warm', 'phase', 'pycds-nopyc', undefined],
    ['for comparison: code-data-share, whole process', 'warm', 'process', 'cds', undefined],
  ] as const
  const text = (mean: { factor: number; least: { factor: number; package: string } } | undefined) =>
    mean
      ? `**${factorText(mean.factor)}**, least ${factorText(mean.least.factor)} (${mean.least.package})`
      : '–'
  const cells = rows.map(([title, cache, metric, name, what]) => [
    title,
    ...pythons.map(({ id }) => text(meanFactor(select(id, cache, results), metric, name, baselineOf(name)))),
    ...frozen.map(({ id }) => text(what && snapshots && snapshotMean(snapshots, id, what))),
  ])
  const names = new Set(results.entries.map((entry) => entry.package))
  const head = [
    `times as fast, geometric mean of ${names.size} packages`,
    ...pythons.map(({ id }) => `CPython ${id}`),
    ...frozen.map(({ id }) => {
      const count = snapshots && snapshotMean(snapshots, id, 'import')?.count
      return `${id}, snapshot of ${count}`
    }),
  ]
  const align = [...pythons, ...frozen].map(() => 'right' as const)
  return `\n${table(['left', ...align], [head, ...cells])}\n`
}

function facts({ machine, commit, started, finished, entries }: Results): string {
  const runs = (['warm', 'cold'] as const).flatMap((cache) => {
    const counts = entries.filter((entry) => entry.cache === cache).map((entry) => entry.runs)
    return counts.length > 0 ? `${Math.max(...counts)} ${cache}` : []
  })
  const gigabytes = (machine.memoryBytes / 2 ** 30).toFixed(0)
  const day = (finished ?? started).slice(0, 10)
  return (
    `${machine.processor}, ${machine.cores} cores, ${gigabytes} GiB${machine.virtual ? ', virtual' : ''}; Linux ${machine.kernel}; ` +
    `Docker Engine ${machine.engine}; ${day}; commit ${commit}${finished ? '' : '; not complete'}. ` +
    `Medians of ${runs.join(' and ')} starts, taken in turns; half of the starts lie in the brackets. ` +
    'Factors compare medians with plain CPython on the same image.'
  )
}

function pythonSections(python: Python, results: Results): string[] {
  const [warm, cold] = [select(python.id, 'warm', results), select(python.id, 'cold', results)]
  return [
    `## ${python.title}`,
    '### Import phase, warm',
    packageTable(warm, 'phase', results),
    '### Whole process, warm',
    packageTable(warm, 'process', results),
    ...(warm.some((entry) => entry.contestants.nopyc)
      ? ['### Images without bytecode, warm', withoutBytecodeTable(warm)]
      : []),
    ...(cold.length > 0
      ? [
          '### Import phase, page cache emptied before each start',
          packageTable(cold, 'phase', { ...results, parts: {} }),
        ]
      : []),
  ]
}

function missingSection(results: Results): string[] {
  const absent = results.entries.flatMap((entry) =>
    entry.absent.map(({ name, reason }) => ({ reason: reason.split('\n').at(-1) ?? reason, name })),
  )
  const lines = grouped([
    ...results.skipped.map(({ package: name, python, reason }) => ({
      who: name,
      why: ` on ${python}: ${reason.startsWith('ModuleNotFoundError') ? 'not installed there' : reason}`,
    })),
    ...absent.map(({ name, reason }) => ({ who: TITLES[name], why: `: ${reason}` })),
  ])
  return lines.length === 0 ? [] : ['## Not measured', lines.map((line) => `- ${line}`).join('\n')]
}

/** One line a reason, with all that it is the reason for. */
function grouped(absences: readonly { who: string; why: string }[]): string[] {
  const reasons = [...new Set(absences.map(({ why }) => why))]
  return reasons.map((why) => {
    const names = absences.filter((one) => one.why === why).map(({ who }) => who)
    return [...new Set(names)].join('; ') + why
  })
}
