// SPDX-License-Identifier: Apache-2.0
// The proof that the archive had a part in a run, in the process of the tests and in those that they started.
import type { FileRun, Start } from './outcomes.js'

/** Interpreters of one run by what they said of the archive when their hook had run. */
export interface Proof {
  /** Modules, regular expressions and sources that the process of the tests had from the archive. */
  readonly served: number
  /** Other interpreters in which the archive was in use, and a module had come from it. */
  readonly children: number
  /** How many there were without it. */
  readonly expected: number
  /** Others, by the reason. */
  readonly refused: Readonly<Record<string, number>>
}

const IN_USE = 'ACCEPTED'
/**
 * What tests ask for and docs/compatibility.md tells of: -O, -X no_debug_ranges, sub-interpreters; and an archive that
 * is in use, but leaves the search to Python while a zip file stands in front of the search path.
 */
const BY_DESIGN: readonly string[] = ['OPTIMIZE', 'DEBUG_RANGES', 'INTERPRETER', IN_USE]

export function proofOf({ starts, counters }: FileRun, plain: FileRun): Proof {
  const [, ...children] = starts
  const refused: Record<string, number> = {}
  for (const { status } of children.filter((start) => !isServed(start))) {
    refused[status] = (refused[status] ?? 0) + 1
  }
  return {
    served: (counters?.served ?? 0) + (counters?.regexes ?? 0) + (counters?.sources ?? 0),
    children: children.filter(isServed).length,
    expected: Math.max(0, plain.starts.length - 1),
    refused,
  }
}

/** Why a run with the archive is none, beside one without; empty when it is one. */
export function faultsOf(run: FileRun, plain: FileRun): string[] {
  const [first] = run.starts
  const proof = proofOf(run, plain)
  const faults: string[] = []
  if (!first || !isServed(first)) {
    faults.push(`the archive was not in use in the process of the tests: ${first?.status ?? 'no hook'}`)
  } else if (run.counters && (run.counters.status !== IN_USE || proof.served === 0)) {
    faults.push(`the process of the tests had nothing from the archive: ${run.counters.status}`)
  }
  for (const [status, count] of Object.entries(proof.refused)) {
    if (!BY_DESIGN.includes(status)) faults.push(`the archive was not in use in ${count} children: ${status}`)
  }
  if (proof.expected > 0 && run.starts.length <= 1 && run.end === plain.end) {
    faults.push(`no child left word of the archive, where the plain run had ${proof.expected}`)
  }
  return faults
}

/** Why a run without the archive is none. */
export function plainFaultsOf({ starts }: FileRun): string[] {
  const used = starts.filter(({ status }) => status !== 'ABSENT').length
  const faults = used > 0 ? [`the runtime was there in ${used} interpreters of the plain run`] : []
  return starts.length > 0 ? faults : ['no interpreter of the plain run read its site directory']
}

function isServed({ status, served }: Start): boolean {
  return status === IN_USE && served > 0
}
