// SPDX-License-Identifier: Apache-2.0
import { utimesSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { sep } from 'node:path'
import type { PathChange, Undone } from '../ports/index.js'
import type { Snapshot } from './snapshot.js'

/**
 * Removes what is new and gives directories back the time that they had. The content of a file that
 * was changed or deleted is not known any more: those are returned.
 */
export async function undoChanges(
  before: Pick<Snapshot, 'timeOf'>,
  changes: readonly PathChange[],
): Promise<Undone> {
  const removed: string[] = []
  const kept: PathChange[] = []
  let gone: string | undefined
  for (const change of changes) {
    if (change.kind !== 'added') continue
    const isBelow = gone !== undefined && change.path.startsWith(gone + sep)
    if (isBelow || (await attempt(() => rm(change.path, { recursive: true, force: true })))) {
      removed.push(change.path)
      if (!isBelow) gone = change.path
    } else kept.push(change)
  }
  for (const change of changes) {
    if (change.kind === 'added') continue
    const time = before.timeOf(change.path)
    const isRestored =
      change.kind === 'modified' &&
      time !== undefined &&
      (await attempt(async () => utimesSync(change.path, time / 1000, time / 1000)))
    if (!isRestored) kept.push(change)
  }
  return { removed, kept }
}

async function attempt(action: () => Promise<void>): Promise<boolean> {
  try {
    await action()
    return true
  } catch {
    return false // not the right of this user
  }
}
