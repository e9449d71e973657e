// SPDX-License-Identifier: Apache-2.0
// What is kept. The counts of each suite on each interpreter, in one file that a later run brings up to date, and that
// docs/conformance.md is made from; and of each run everything, for whoever looks into a difference.
import { join } from 'node:path'
import { readSaved, save } from '../bench/saved.js'
import { ROOT } from '../bench/shell.js'
import type { ComparedFile, Difference, FileResult } from './compare-file.js'
import type { Absent, Group } from './suites/suite.js'

export const RESULTS = join(ROOT, 'conformance/results')

/** A test file in the saved results. */
export interface SavedFile extends FileResult {
  /** The package and its version, or CPython and its. */
  readonly group: string
  /** The commit that was tested. */
  readonly commit: string
  /** The day of the run, in UTC; results of earlier versions have none. */
  readonly day?: string
}

export interface Results {
  readonly schema: 'io.pycds.conformance/1'
  readonly suite: string
  /** Absent where there was an archive alone. */
  readonly with?: 'snapshot'
  readonly python: { readonly version: string; readonly shared: boolean }
  /** By group and name. */
  files: SavedFile[]
  absent: Absent[]
  /** The files that there are to run. */
  known?: readonly string[]
}

/** The results of a file; undefined where there are none. */
export async function readResults(path: string): Promise<Results | undefined> {
  return readSaved<Results>(path, 'io.pycds.conformance/1')
}

/** Replaces the file at once: an interruption leaves the old one or the new one. */
export async function saveResults(path: string, results: Results): Promise<void> {
  results.files.sort((a, b) => compareText(a.group, b.group) || compareText(a.file, b.file))
  await save(path, results, rounded)
}

/** A result as it is kept: of what was told, which is full of this machine's paths, the last line. */
export function toSaved(result: FileResult, group: string, commit: string, at = new Date()): SavedFile {
  const shorten = (differences: readonly Difference[]) =>
    differences.map((one) => ({ ...one, detail: one.detail.trim().split('\n').at(-1) ?? '' }))
  return {
    ...result,
    ...{ differing: shorten(result.differing), byDesign: shorten(result.byDesign) },
    ...{ flaky: shorten(result.flaky), group, commit, day: at.toISOString().slice(0, 10) },
  }
}

/** Puts the results of one file in the place of earlier ones. */
export function addResult(results: Results, file: SavedFile): void {
  results.files = results.files.filter((one) => one.file !== file.file || !sameGroup(one.group, file.group))
  results.files.push(file)
}

/** What a run that was interrupted has left to do: the files that have no result of this commit. */
export function withoutResult(groups: readonly Group[], { files }: Results, commit: string): Group[] {
  const isDone = (group: Group, file: string) =>
    files.some((one) => one.group === group.name && one.file === file && one.commit === commit)
  return groups
    .map((group) => ({ ...group, files: group.files.filter((file) => !isDone(group, file)) }))
    .filter(({ files }) => files.length > 0)
}

/** Every outcome of a run, and what the processes of files said that differ or have no end. */
export async function saveRuns(directory: string, { result, runs }: ComparedFile): Promise<void> {
  const isTelling =
    result.differing.length + result.flaky.length + result.faults.length > 0 || result.end !== 'completed'
  const describe = (side: 'plain' | 'archive') =>
    runs[side].map(({ end, cases, starts, counters, seconds, output }) => ({
      ...{ end, seconds, counters, starts, cases: Object.fromEntries(cases) },
      ...(isTelling ? { output } : {}),
    }))
  await save(
    join(directory, `${result.file.replaceAll('/', '_')}.json`),
    {
      ...result,
      runs: { plain: describe('plain'), archive: describe('archive') },
    },
    rounded,
  )
}

/** Of two versions of one package only the newer results count. */
function sameGroup(one: string, other: string): boolean {
  return one.split(' ')[0] === other.split(' ')[0]
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}

function rounded(_key: string, value: unknown): unknown {
  return typeof value === 'number' && !Number.isInteger(value) ? Number(value.toFixed(1)) : value
}
