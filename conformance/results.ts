// SPDX-License-Identifier: Apache-2.0
// What is kept. The counts of each suite on each interpreter, in one file that a later run brings up to date, and that
// docs/conformance.md is made from; and of each run everything, for whoever looks into a difference.
import { mkdirSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { readSaved, save } from '../bench/saved.js'
import { ROOT } from '../bench/shell.js'
import { withLock } from '../src/util/staging.js'
import type { ComparedFile, Difference, FileResult } from './compare-file.js'
import { reasonOf } from './lines.js'
import type { Kind } from './options.js'
import type { Python } from './pythons.js'
import type { Absent, Group } from './suites/suite.js'

export const RESULTS = join(ROOT, 'conformance/results')
/** Another run holds the lock while it writes one file. */
const LOCK_MS = 60_000

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

/** What was tested, and on what. */
export interface Subject {
  readonly suite: string
  readonly kind: Kind
  readonly python: Pick<Python, 'version' | 'minor' | 'shared'>
}

export function newResults({ suite, kind, python: { version, shared } }: Subject): Results {
  return {
    ...{ schema: 'io.pycds.conformance/1', suite, ...(kind === 'snapshot' ? { with: kind } : {}) },
    ...{ python: { version, shared }, files: [], absent: [] },
  }
}

/** What the results of a subject are called, whose name is that of a minor version, or a longer one. */
export function nameOf({ suite, kind, python }: Subject, version = `3.${python.minor}`): string {
  return `${suite}-${version}${kind === 'snapshot' ? '-snapshot' : ''}`
}

/**
 * The file in a folder that holds a subject's results, or will. There is one for a minor version; another release of that, or one
 * that is built otherwise, has its own: they count together nowhere.
 */
export async function resultsPath(folder: string, subject: Subject): Promise<string> {
  const { version, shared } = subject.python
  const pathOf = (name?: string) => join(folder, `${nameOf(subject, name)}.json`)
  for (const path of [pathOf(), pathOf(version)]) {
    const there = await readResults(path)
    if (!there || (there.python.version === version && there.python.shared === shared)) return path
  }
  return pathOf(`${version}-${shared ? 'shared' : 'static'}`)
}

/** The results of a file; undefined where there are none. */
export async function readResults(path: string): Promise<Results | undefined> {
  const results = await readSaved<Results>(path, 'io.pycds.conformance/1')
  if (results && !(Array.isArray(results.files) && Array.isArray(results.absent) && results.python))
    throw new Error(`${path}: no results, or not all of them`)
  return results
}

/** Replaces the file at once: an interruption leaves the old one or the new one. */
export async function saveResults(path: string, results: Results): Promise<void> {
  results.files.sort((a, b) => compareText(a.group, b.group) || compareText(a.file, b.file))
  await save(path, results, rounded)
}

/** Changes what a file holds, as other runs do at the same time. */
export async function changeResults(
  path: string,
  subject: Subject,
  change: (results: Results) => void,
): Promise<void> {
  await mkdir(dirname(path), { recursive: true })
  await withLock(
    path,
    async () => {
      const results = (await readResults(path)) ?? newResults(subject)
      change(results)
      await saveResults(path, results)
    },
    LOCK_MS,
    (lock) => new Error(`${lock}: another run has written results for ${LOCK_MS / 1000} s`),
  )
}

/** A new folder for what one run leaves, and no other that began in the same second. */
export function makeRunFolder(folder: string, name: string, at = new Date()): string {
  const stamp = at.toISOString().replaceAll(/[-:]|\..*/g, '')
  mkdirSync(folder, { recursive: true })
  for (let turn = 1; ; turn++) {
    const path = join(folder, `${stamp}-${name}${turn === 1 ? '' : `-${turn}`}`)
    try {
      mkdirSync(path)
      return path
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
    }
  }
}

/** A result as it is kept: of what was told, which is full of this machine's paths, one line. */
export function toSaved(result: FileResult, group: string, commit: string, at = new Date()): SavedFile {
  const shorten = (differences: readonly Difference[]) =>
    differences.map((one) => ({ ...one, detail: reasonOf(one.detail) }))
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

/** What an interrupted run has of these files: the results of this commit. */
export function resultsOf(groups: readonly Group[], { files }: Results, commit: string): SavedFile[] {
  return files.filter(
    (one) =>
      one.commit === commit &&
      groups.some((group) => group.name === one.group && group.files.includes(one.file)),
  )
}

/** What it has left to do. */
export function withoutResult(groups: readonly Group[], results: Results, commit: string): Group[] {
  const done = resultsOf(groups, results, commit)
  const isDone = (group: Group, file: string) =>
    done.some((one) => one.group === group.name && one.file === file)
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
