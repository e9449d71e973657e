// SPDX-License-Identifier: Apache-2.0
import { rmSync, utimesSync } from 'node:fs'
import type { PathChange, Undone } from '../ports/index.js'
import type { Snapshot } from './snapshot.js'

/**
 * Removes what is new and gives directories back the time that they had. The content of a file that
 * was changed or deleted is not known any more: those are returned.
 */
export function undoChanges(before: Snapshot, changes: readonly PathChange[]): Undone {
  const removed: string[] = []
  const kept: PathChange[] = []
  for (const change of changes) {
    if (change.kind !== 'added') continue
    if (attempt(() => rmSync(change.path, { recursive: true, force: true }))) removed.push(change.path)
    else kept.push(change)
  }
  for (const change of changes) {
    if (change.kind === 'added') continue
    const old = before.get(change.path)
    const isRestored =
      change.kind === 'modified' &&
      old?.isDirectory === true &&
      attempt(() => utimesSync(change.path, old.mtime, old.mtime))
    if (!isRestored) kept.push(change)
  }
  return { removed, kept }
}

function attempt(action: () => void): boolean {
  try {
    action()
    return true
  } catch {
    return false // not the right of this user
  }
}
