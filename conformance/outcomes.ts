// SPDX-License-Identifier: Apache-2.0
// What one run of a test file gave: an outcome for each case, and what the interpreters of the run said of the archive.
import type { Ended } from './sandbox.js'

export type Side = 'plain' | 'archive'

/** One test case; the words of the collectors in conformance/python. */
export interface Case {
  readonly outcome: string
  /** The traceback, or why it was skipped. */
  readonly detail: string
}

/** The start of an interpreter that reads site directories. */
export interface Start {
  readonly process: number
  readonly parent: number
  /** ACCEPTED, why the archive was refused, ABSENT where there is no runtime, or THAWED before it was looked at. */
  readonly status: string
  /** Modules that had come from the archive when the hook had run. */
  readonly served: number
  /** THAWED, why the snapshot was not used, or ABSENT where there is none. */
  readonly snapshot: string
}

/** What the runtime's counters said at the end of the process that ran the tests. */
export interface Counters {
  readonly status: string
  readonly served?: number
  readonly regexes?: number
  readonly sources?: number
  readonly takeover?: number
  /** As that of a start. */
  readonly snapshot?: string
  /** Modules that came from the snapshot. */
  readonly ready?: number
}

export interface FileRun {
  /** How the process ended: `completed`, when it came to the end of its tests, whether these passed or not, or something else. */
  readonly end: string
  readonly cases: ReadonlyMap<string, Case>
  readonly starts: readonly Start[]
  /** Undefined for a process that did not come to its end. */
  readonly counters: Counters | undefined
  readonly seconds: number
  readonly output: string
}

/** How the end of a file begins that did not end in its time; the time follows. */
export const LATE = 'not ended in'

/** The worst outcome of a case that has several, as one has that fails in its teardown as well. */
const WORST_FIRST = [...['error', 'failed', 'passed unexpectedly', 'failed as expected', 'skipped', 'passed']]

/**
 * @param ended  how the process ended
 * @param record  the lines of the collector; '' when it wrote none
 * @param witness  the lines of the interpreters that were started
 * @param ends  words for exit codes of the test runner; one that is not among them is named by its number
 */
export function readRun(
  ended: Ended,
  record: string,
  witness: string,
  ends: Readonly<Record<number, string>>,
): FileRun {
  const cases = new Map<string, Case>()
  let counters: Counters | undefined
  for (const line of linesOf(record)) {
    const told = parseLine(line)
    if (told?.case !== undefined) {
      const before = cases.get(told.case)
      if (!before || rank(told.outcome) < rank(before.outcome)) cases.set(told.case, told)
    } else if (told?.archive !== undefined) counters = told.archive
  }
  return {
    ...{
      end: endOf(ended, ends, counters !== undefined),
      cases,
      counters,
      starts: linesOf(witness).flatMap(parseStart),
    },
    ...{ seconds: ended.seconds, output: ended.output },
  }
}

/** An exit code is a word of the test runner's only where the collector came to its end: a test may end the process as well. */
function endOf(
  { code, signal, lateSeconds }: Ended,
  ends: Readonly<Record<number, string>>,
  isReported: boolean,
): string {
  if (lateSeconds !== undefined) return `${LATE} ${lateSeconds} s`
  if (code === null) return 'killed'
  if (signal !== undefined) return signal
  const word = ends[code]
  if (word === undefined) return `exit ${code}`
  return isReported ? word : `exit ${code} before its report`
}

function linesOf(text: string): string[] {
  return text.split('\n').filter(Boolean)
}

interface Line extends Case {
  readonly case?: string
  readonly archive?: Counters
}

/** The last line of a process that was killed may be cut off. */
function parseLine(line: string): Line | undefined {
  try {
    return JSON.parse(line) as Line
  } catch {
    return undefined
  }
}

function parseStart(line: string): Start[] {
  const [, process, parent, status, served, snapshot] = /^(\d+) (\d+) (\S+) (\d+) (\S+)$/.exec(line) ?? []
  return status === undefined || snapshot === undefined
    ? []
    : [{ process: Number(process), parent: Number(parent), status, served: Number(served), snapshot }]
}

function rank(outcome: string): number {
  const at = WORST_FIRST.indexOf(outcome)
  return at === -1 ? 0 : at
}
