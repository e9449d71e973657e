// SPDX-License-Identifier: Apache-2.0
import type { Kind } from '../options.js'
import type { Python } from '../pythons.js'
import type { Stage, StageCommand } from '../stage.js'

/** Test files that share a set of installed packages, and so an archive. */
export interface Group {
  /** For people; with the version, where it has one. */
  readonly name: string
  readonly files: readonly string[]
  /** A folder of installed packages. */
  readonly packages?: string
  /** Variables of every process. */
  readonly env?: Readonly<Record<string, string>>
  /** What trains the archive for these files; `stage` is where it will run. */
  training(files: readonly string[], stage: Stage): Promise<StageCommand[]>
  test(file: string, stage: Stage): StageCommand
  /** Words for exit codes of the test runner. */
  readonly ends: Readonly<Record<number, string>>
}

/** What cannot be run here, with what to do about it. */
export interface Absent {
  readonly name: string
  readonly reason: string
}

export interface Prepared {
  readonly groups: readonly Group[]
  readonly absent: readonly Absent[]
  /** All that a run without names would run, where a run may be of a part. */
  readonly known?: readonly string[]
}

export interface SuiteOptions {
  readonly python: Python
  readonly kind: Kind
  readonly quick: boolean
  /** Only these; all where empty. */
  readonly files: readonly string[]
  /** Ends what a suite is being fetched with. */
  readonly interruption?: AbortSignal | undefined
}

/** What was asked for by name and is not there; the message is for who has asked. */
export class NotThere extends Error {}

export interface Suite {
  readonly name: 'cpython' | 'packages'
  prepare(options: SuiteOptions): Promise<Prepared>
}

/** The files among those that there are; a name also stands for all its parts. */
export function chooseFiles(all: readonly string[], names: readonly string[]): string[] {
  const chosen = new Set<string>()
  for (const name of names) {
    const found = all.filter((file) => file === name || file.startsWith(`${name}.`))
    for (const file of found) chosen.add(file)
  }
  return [...chosen]
}

/** Names that stand for nothing. */
export function unknownFiles(all: readonly string[], names: readonly string[]): string[] {
  return names.filter((name) => chooseFiles(all, [name]).length === 0)
}
