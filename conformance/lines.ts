// SPDX-License-Identifier: Apache-2.0
// What is printed while files are compared, and when all are.

import { FILE } from './compare.js'
import type { Difference, FileResult } from './compare-file.js'
import { LATE } from './outcomes.js'

/** The exceptions of some tests name all that there is. */
const REASON = 300
const COUNTS = ['attempted', 'passed', 'skipped', 'failed'] as const

/** One line for a file that gave the same, more for one that did not. */
export function describeFile(result: FileResult): string {
  const { file, end, seconds } = result
  const counts = `${result.attempted} cases, ${result.passed} passed both ways`
  const ended = end === 'completed' ? '' : `, ${end}`
  const head = `${file}: ${counts}${ended} (${Math.round(seconds.plain)} s and ${Math.round(seconds.archive)} s)`
  return [
    head,
    ...result.faults.map((fault) => `  NO PROOF: ${printable(fault)}`),
    ...result.differing.map((one) => describeDifference('DIFFERS', one)),
    ...result.byDesign.map((one) => describeDifference('by design', one)),
    ...result.flaky.map((one) => describeDifference('flaky', one)),
  ].join('\n')
}

function describeDifference(word: string, { case: name, plain, archive, detail }: Difference): string {
  const reason = printable(reasonOf(detail))
  return `  ${word}: ${printable(name)}: ${plain.join(', ')}; with it ${archive.join(', ')}${reason ? `: ${reason}` : ''}`
}

/**
 * The line of what was told that says most: that of the exception, in pytest's words or behind the frames of a traceback, or
 * what the interpreter says as it dies; else the last one.
 */
export function reasonOf(detail: string): string {
  const lines = detail.trimEnd().split('\n')
  const fatal = lines.find((line) => /^Fatal Python error: /.test(line))
  const told = lines.find((line) => /^E {2,}\S/.test(line))?.replace(/^E +/, '')
  const frame = lines.findLastIndex((line) => /^\s*File ".*", line \d+/.test(line))
  const raised = frame === -1 ? undefined : lines.slice(frame).find((line) => /^\w/.test(line))
  const line = (fatal ?? told ?? raised ?? lines.at(-1) ?? '').trim()
  return line.length > REASON ? `${line.slice(0, REASON)}...` : line
}

/** A text that tests have given, on one line, without what steers a terminal. */
export function printable(text: string): string {
  return text.replaceAll(
    /[\p{Cc}\u2028\u2029]/gu,
    (one) => `\\x${one.charCodeAt(0).toString(16).padStart(2, '0')}`,
  )
}

/** A table of all files, for a terminal. */
export function describeTable(results: readonly FileResult[]): string {
  const head = ['', ...COUNTS, 'differing', 'by design', 'flaky', 'served', 'children', 'thawed']
  const rows = [...results, total(results)].map((one) => [
    one.file,
    ...COUNTS.map((name) => String(one[name])),
    ...[
      one.differing.length,
      one.byDesign.length,
      one.flaky.length,
      one.proof.served,
      one.proof.children,
      one.proof.snapshots?.thawed ?? 0,
    ].map(String),
  ])
  const widths = head.map((_, at) => Math.max(...[head, ...rows].map((row) => row[at]?.length ?? 0)))
  return [head, ...rows]
    .map((row) =>
      row
        .map((cell, at) => (at === 0 ? cell.padEnd(widths[at] ?? 0) : cell.padStart(widths[at] ?? 0)))
        .join('  '),
    )
    .join('\n')
}

/** The counts of several files. */
export function total(results: readonly FileResult[]): FileResult {
  const sum = (of: (one: FileResult) => number) => results.reduce((all, one) => all + of(one), 0)
  const thawed = sum((one) => one.proof.snapshots?.thawed ?? 0)
  return {
    ...{ file: 'all', end: 'completed' },
    ...{ attempted: sum((one) => one.attempted), passed: sum((one) => one.passed) },
    ...{ skipped: sum((one) => one.skipped), failed: sum((one) => one.failed) },
    differing: results.flatMap((one) => one.differing),
    byDesign: results.flatMap((one) => one.byDesign),
    flaky: results.flatMap((one) => one.flaky),
    faults: results.flatMap((one) => one.faults),
    proof: {
      served: sum((one) => one.proof.served),
      children: sum((one) => one.proof.children),
      expected: sum((one) => one.proof.expected),
      refused: {},
      ...(thawed > 0 ? { snapshots: { thawed, refused: {} } } : {}),
    },
    seconds: { plain: sum((one) => one.seconds.plain), archive: sum((one) => one.seconds.archive) },
  }
}

/**
 * Whether everything is as it must be, and the sentence that says so.
 * @param kept  results of an earlier run that this one has gone on from: they count as well
 */
export function conclude(
  done: readonly FileResult[],
  kept: readonly FileResult[] = [],
): { ok: boolean; sentence: string } {
  const results = [...kept, ...done]
  const all = total(results)
  const faults = [...all.faults]
  if (all.proof.expected > 0 && all.proof.children === 0) faults.push('no child used the archive')
  const earlier = kept.length > 0 ? ` (${kept.length} of them from before)` : ''
  const oneSided = all.attempted - all.passed - all.skipped - all.failed - judgedCases(all)
  const counts = `${all.attempted} test cases of ${results.length} file${results.length === 1 ? '' : 's'}${earlier}: ${all.passed} passed both ways, ${all.skipped} skipped and ${all.failed} failed both ways, ${all.differing.length} differ, ${all.byDesign.length} as documented, ${all.flaky.length} are flaky${oneSided > 0 ? `, ${oneSided} came to their end on one side alone` : ''}`
  const { children, expected } = all.proof
  const families =
    expected + children === 0
      ? ', and they started none that could have it'
      : ` and in ${children} of their children (${expected} without it)`
  const proof =
    faults.length > 0
      ? `; the archive was not in use everywhere (${faults.length} times, first: ${printable(faults[0] ?? '')})`
      : `; the archive was in use in every process of tests${families}`
  const { thawed } = all.proof.snapshots ?? {}
  const late = results.filter(isLate).map(({ file }) => file)
  const times =
    late.length > 0 ? `; not ended in their time, and compared as far as they came: ${late.join(', ')}` : ''
  const snapshots = thawed === undefined ? '' : `; ${thawed} of all these went on in the snapshot`
  const ok = results.length > 0 && all.differing.length === 0 && faults.length + late.length === 0
  return { ok, sentence: `${counts}${proof}${snapshots}${times}.` }
}

/** Cases whose outcomes were not the same at first; how files ended is none. */
function judgedCases({ differing, byDesign, flaky }: FileResult): number {
  return [...differing, ...byDesign, ...flaky].filter((one) => one.case !== FILE).length
}

/** On the side of the archive, which is that of its end; one that is late on the other side alone differs. */
function isLate({ end }: FileResult): boolean {
  return end.startsWith(LATE)
}

/** How far a run has come. */
export interface Progress {
  /** The file whose tests run. */
  file?: string
  done: number
  of: number
  /** Where the results of those that are done are kept. */
  path: string
  /** Whether a later run can go on from them. */
  readonly resumable: boolean
}

/** The last line of a run that came to no end: why, where, and what is kept. */
export function describeStop(why: string, { file, done, of, path, resumable }: Progress): string {
  const place = file === undefined ? 'before the first test' : `in ${file}`
  if (done === 0) return `${why} ${place}; there are no results to keep.`
  const further = resumable ? ', and the same command with --resume goes on from there' : ''
  return `${why} ${place}; the results of ${done} of ${of} files are kept in ${path}${further}.`
}
