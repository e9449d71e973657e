// SPDX-License-Identifier: Apache-2.0
// The proof that the archive or the snapshot had a part in a run, in the process of the tests and in those that they started.
import type { Kind } from './options.js'
import type { FileRun, Start } from './outcomes.js'

/** Interpreters of one run by what they said of the archive when their hook had run. */
export interface Proof {
  /** Modules, regular expressions and sources that the process of the tests had from archive and snapshot. */
  readonly served: number
  /** Other interpreters in which the archive was in use, and a module had come from it. */
  readonly children: number
  /** How many there were without it. */
  readonly expected: number
  /** Others, by the reason. */
  readonly refused: Counts
  /** Of a run with a snapshot: how many of all interpreters went on in it, and why the others did not. */
  readonly snapshots?: { readonly thawed: number; readonly refused: Counts }
}

type Counts = Readonly<Record<string, number>>

const IN_USE = 'ACCEPTED'
const THAWED = 'THAWED'
const NO_SNAPSHOT = 'ABSENT'
/**
 * What tests ask for and docs/compatibility.md tells of: -O, -X no_debug_ranges, sub-interpreters; and an archive that
 * is in use, but leaves the search to Python while a zip file stands in front of the search path.
 */
const BY_DESIGN: readonly string[] = ['OPTIMIZE', 'DEBUG_RANGES', 'INTERPRETER', IN_USE]

/** So much of the children of the plain run must be heard of beside it. */
const LEAST_HEARD = 0.5

export function proofOf({ starts, counters }: FileRun, plain: FileRun): Proof {
  const [, ...children] = starts
  const { served = 0, regexes = 0, sources = 0, ready = 0 } = counters ?? {}
  const withSnapshot = starts.filter(({ snapshot }) => snapshot !== NO_SNAPSHOT)
  const [thawed, others] = [withSnapshot.filter(isThawed), withSnapshot.filter((start) => !isThawed(start))]
  return {
    served: served + regexes + sources + ready,
    children: children.filter(isServed).length,
    expected: Math.max(0, plain.starts.length - 1),
    refused: count(children.filter((start) => !isServed(start)).map(({ status }) => status)),
    ...(withSnapshot.length > 0
      ? { snapshots: { thawed: thawed.length, refused: count(others.map(({ snapshot }) => snapshot)) } }
      : {}),
  }
}

function count(words: readonly string[]): Counts {
  const counts: Record<string, number> = {}
  for (const word of words) counts[word] = (counts[word] ?? 0) + 1
  return counts
}

/** Why a run with the archive, or with a snapshot, is none, beside one without; empty when it is one. */
export function faultsOf(run: FileRun, plain: FileRun, kind: Kind): string[] {
  const [first] = run.starts
  const proof = proofOf(run, plain)
  const faults: string[] = []
  if (kind === 'snapshot' && first && !isThawed(first))
    faults.push(`the process of the tests did not go on in the snapshot: ${first.snapshot}`)
  if (!first || !isServed(first)) {
    faults.push(`the archive was not in use in the process of the tests: ${first?.status ?? 'no hook'}`)
  } else if (run.counters && (run.counters.status !== IN_USE || proof.served === 0)) {
    faults.push(`the process of the tests had nothing from the archive: ${run.counters.status}`)
  }
  for (const [status, count] of Object.entries(proof.refused)) {
    if (!BY_DESIGN.includes(status)) faults.push(`the archive was not in use in ${count} children: ${status}`)
  }
  // Some are ended before they can say anything, and not as many on either side.
  const heard = Math.max(0, run.starts.length - 1)
  if (heard < proof.expected * LEAST_HEARD && run.end === plain.end)
    faults.push(
      `${heard === 0 ? 'no child' : `${heard} children`} left word of the archive, where the plain run had ${proof.expected}`,
    )
  return faults
}

/** Why a run without the archive is none. */
export function plainFaultsOf({ starts, cases, end, output }: FileRun): string[] {
  const used = starts.filter(({ status }) => status !== 'ABSENT').length
  const faults = used > 0 ? [`the runtime was there in ${used} interpreters of the plain run`] : []
  // A test runner that fails before its first test is the same on both sides.
  if (end === 'completed' && cases.size === 0 && output.includes('Traceback'))
    faults.push(`no test was reported: ${output.trim().split('\n').at(-1)}`)
  return starts.length > 0 ? faults : ['no interpreter of the plain run read its site directory']
}

/** In a process that goes on in a snapshot a module is there already that would have come from the archive. */
function isServed({ status, served }: Start): boolean {
  return status === THAWED || (status === IN_USE && served > 0)
}

function isThawed({ snapshot }: Start): boolean {
  return snapshot === THAWED
}
