// SPDX-License-Identifier: Apache-2.0
// Which files of the image there are, and which of them a run has touched. Mounts are no part
// of the image and are not entered.
import { lstatSync, readdirSync, type Stats } from 'node:fs'
import { join } from 'node:path'
import type { PathChange } from '../ports/index.js'
import { by } from '../util/order.js'

/** The state of one path: its change time cannot be set by any program. */
interface State {
  readonly changed: number
  readonly isDirectory: boolean
  /** Seconds since 1970. */
  readonly mtime: number
}

export type Snapshot = ReadonlyMap<string, State>

/** So many directories take a moment that a signal can wait for. */
const DIRECTORIES_AT_ONCE = 200

/**
 * Lists everything below `root` on its file system. What this user may not read is left out.
 * @param signal asked on the way, so that a large image does not keep this process from ending
 */
export async function rememberSnapshot(root: string, signal: AbortSignal): Promise<Snapshot> {
  const walk = walkSnapshot(root)
  for (let count = 1; ; count++) {
    const { done, value } = walk.next()
    if (done) return value
    if (count % DIRECTORIES_AT_ONCE === 0) await new Promise((resolve) => setImmediate(resolve))
    signal.throwIfAborted()
  }
}

/** The same at once. */
export function takeSnapshot(root: string): Snapshot {
  const walk = walkSnapshot(root)
  for (;;) {
    const { done, value } = walk.next()
    if (done) return value
  }
}

/** Stops before each directory. */
function* walkSnapshot(root: string): Generator<undefined, Snapshot> {
  const found = new Map<string, State>()
  const top = lstat(root)
  if (top === undefined) return found
  found.set(root, toState(top))
  const queue = [root]
  for (let directory = queue.pop(); directory !== undefined; directory = queue.pop()) {
    yield
    for (const name of list(directory)) {
      const path = join(directory, name)
      const stats = lstat(path)
      if (stats === undefined || (stats.isDirectory() && stats.dev !== top.dev)) continue
      found.set(path, toState(stats))
      if (stats.isDirectory()) queue.push(path)
    }
  }
  return found
}

/** What differs between two snapshots, parents before children; a directory counts when its entries or its mode changed. */
export function compareSnapshots(before: Snapshot, after: Snapshot): PathChange[] {
  const changes: PathChange[] = []
  for (const [path, state] of after) {
    const old = before.get(path)
    if (old === undefined) changes.push({ path, kind: 'added' })
    else if (old.changed !== state.changed) changes.push({ path, kind: 'modified' })
  }
  for (const path of before.keys()) if (!after.has(path)) changes.push({ path, kind: 'deleted' })
  return changes.sort(by('path'))
}

function toState(stats: Stats): State {
  return { changed: stats.ctimeMs, isDirectory: stats.isDirectory(), mtime: stats.mtimeMs / 1000 }
}

function list(directory: string): string[] {
  try {
    return readdirSync(directory)
  } catch {
    return [] // gone, or not for this user, who then cannot have changed anything in it
  }
}

function lstat(path: string): Stats | undefined {
  try {
    return lstatSync(path)
  } catch {
    return undefined
  }
}
