// SPDX-License-Identifier: Apache-2.0
// What is saved: figures with the facts of the machine, written after every package so that an interrupted run
// goes on where it was.
import type { Summary } from '../src/util/statistics.js'
import type { ContestantName } from './contestants.js'
import type { Facts } from './machine.js'
import { readSaved, save } from './saved.js'
import type { Sizes } from './sizes.js'

/** Milliseconds. */
export interface Times {
  /** In process, around the import. */
  readonly phase: Summary
  /** From before the process is started to after it has ended. */
  readonly process: Summary
  /** The same in processor time, which other work on the machine disturbs less. */
  readonly phaseCpu: Summary
  readonly processCpu: Summary
}

/** One package on one interpreter. */
export interface Entry {
  readonly python: string
  readonly package: string
  readonly cache: 'warm' | 'cold'
  readonly runs: number
  readonly contestants: Partial<Record<ContestantName, Times>>
  readonly absent: readonly { name: ContestantName; reason: string }[]
  readonly sizes?: Sizes
}

/** A file of bench/results. */
export interface Results {
  readonly schema: 'io.pycds.benchmark/1'
  /** The commit that was measured, with a mark behind it when files differed from it, see commitOf(). */
  readonly commit: string
  readonly machine: Facts
  readonly started: string
  finished: string | null
  /** Packages that could not be measured, and why. */
  skipped: { python: string; package: string; reason: string }[]
  entries: Entry[]
  /** What the other parts of the benchmark measured, by their name. */
  parts: Record<string, unknown>
}

/** The results saved in a file; undefined when there are none. */
export async function readResults(path: string): Promise<Results | undefined> {
  return readSaved<Results>(path, 'io.pycds.benchmark/1')
}

/** Replaces the file at once: an interruption leaves the old one or the new one. */
export async function saveResults(path: string, results: Results): Promise<void> {
  await save(path, results, rounded)
}

export function findEntry(
  results: Results,
  key: Pick<Entry, 'python' | 'package' | 'cache'>,
): Entry | undefined {
  return results.entries.find(
    (entry) => entry.python === key.python && entry.package === key.package && entry.cache === key.cache,
  )
}

/** Nobody reads a tenth of a microsecond, and a diff of results should be short. */
function rounded(_key: string, value: unknown): unknown {
  return typeof value === 'number' && !Number.isInteger(value) ? Number(value.toPrecision(6)) : value
}
