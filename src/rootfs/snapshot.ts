// SPDX-License-Identifier: Apache-2.0
// What a run has changed: two looks at a directory, before and after.
import { lstatSync, readdirSync, rmSync, utimesSync } from 'node:fs'
import { join } from 'node:path'
import { isOfKind } from '../util/file-mode.js'
import { by } from '../util/order.js'

/** One path as it was. */
interface Seen {
  readonly directory: boolean
  /** What stays the same as long as nobody touches the path itself. */
  readonly identity: string
  /** Of a directory this changes with every entry that comes or goes. */
  readonly times: string
  readonly mtimeMs: number
}

/** A path that differs, relative to the root of the snapshot. */
export interface Difference {
  readonly path: string
  readonly kind: 'modified' | 'added' | 'deleted'
  /** A directory in which only entries have come or gone. */
  readonly entriesOnly: boolean
}

/** Every path below a directory, by its name relative to it; the directory itself is the empty name. */
export type Snapshot = ReadonlyMap<string, Seen>

/** Looks at everything below a directory; no symlink is followed. */
export function takeSnapshot(directory: string): Snapshot {
  const seen = new Map<string, Seen>()
  const visit = (path: string): void => {
    const one = look(join(directory, path))
    seen.set(path, one)
    if (!one.directory) return
    for (const name of readdirSync(join(directory, path))) visit(path === '' ? name : `${path}/${name}`)
  }
  visit('')
  return seen
}

function look(path: string): Seen {
  const { dev, ino, mode, uid, gid, size, mtimeNs, ctimeNs, mtimeMs } = lstatSync(path, { bigint: true })
  const directory = isOfKind(Number(mode), 'directory')
  return {
    directory,
    identity: [dev, ino, mode, uid, gid, directory ? 0 : size].join(),
    times: `${mtimeNs},${ctimeNs}`,
    mtimeMs: Number(mtimeMs),
  }
}

/** Compares two snapshots of one directory; sorted by path. */
export function compareSnapshots(before: Snapshot, after: Snapshot): Difference[] {
  const found: Difference[] = []
  for (const [path, now] of after) {
    const then = before.get(path)
    if (then === undefined) found.push({ path, kind: 'added', entriesOnly: false })
    else if (then.identity !== now.identity) found.push({ path, kind: 'modified', entriesOnly: false })
    else if (then.times !== now.times) found.push({ path, kind: 'modified', entriesOnly: now.directory })
  }
  for (const path of before.keys()) {
    if (!after.has(path)) found.push({ path, kind: 'deleted', entriesOnly: false })
  }
  return found.sort(by('path'))
}

/**
 * Takes a directory back to what it was when nothing but additions was made.
 * Returns false when something else was changed, and then has changed nothing.
 */
export function revertAdditions(
  directory: string,
  before: Snapshot,
  differences: readonly Difference[],
): boolean {
  const additions = differences.filter(({ kind }) => kind === 'added')
  const touched = differences.filter(({ kind }) => kind !== 'added')
  if (touched.some(({ entriesOnly }) => !entriesOnly)) return false
  for (const { path } of additions) rmSync(join(directory, path), { recursive: true, force: true })
  for (const { path } of touched) {
    const seconds = (before.get(path)?.mtimeMs ?? 0) / 1000
    utimesSync(join(directory, path), seconds, seconds)
  }
  return true
}
