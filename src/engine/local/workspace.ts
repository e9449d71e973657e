// SPDX-License-Identifier: Apache-2.0
// The directory in which this process unpacks and runs, and what killed processes have left of theirs.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, readdir, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { makeTemporary, TEMPORARY_PREFIX, temporaryError } from '../../oci/index.js'
import { isAbandoned } from '../../util/owner.js'
import { removeAll } from './remove.js'

/** Of somebody who has asked for the end, and is to have it within two seconds. */
const PATIENCE_MS = 1000
const REMOVER =
  "require('node:fs').rmSync(process.argv[1], { recursive: true, force: true, maxRetries: 5, retryDelay: 100 })"

/** A directory that only this user can look into; made when it is first needed. */
export class Workspace {
  #made: Promise<string> | undefined
  #count = 0

  /** Makes a new directory in it. */
  async make(kind: 'root' | 'bundle'): Promise<string> {
    this.#made ??= makeTemporary()
    const path = join(await this.#made, `${kind}-${this.#count++}`)
    try {
      await mkdir(path, { mode: 0o755 })
      return path
    } catch (error) {
      throw temporaryError(error)
    }
  }

  /** @param hurry as for {@link removeTree} */
  async remove(hurry?: AbortSignal): Promise<void> {
    const directory = await this.#made?.catch(() => undefined)
    if (directory !== undefined) await removeTree(directory, hurry)
  }
}

/**
 * Removes the directories of processes that are gone, as far as it can: others that begin at the same moment do so, too, and what
 * stays is there for the next one.
 * @param cleanUp ends what may still run in such a directory
 */
export async function removeAbandonedWorkspaces(
  cleanUp: (directory: string) => Promise<void>,
): Promise<void> {
  const names = await readdir(tmpdir()).catch(() => [])
  for (const name of names.filter((one) => one.startsWith(TEMPORARY_PREFIX) && isAbandoned(one))) {
    const directory = join(tmpdir(), name)
    const found = await stat(directory).catch(() => undefined)
    if (found === undefined || found.uid !== process.geteuid?.()) continue
    await cleanUp(directory)
      .then(() => removeTree(directory))
      .catch(() => undefined)
  }
}

/**
 * A program in the tree may have changed its modes; only what cannot be removed then stays.
 * @param hurry once it aborts, this waits a moment longer and leaves the rest to a process that goes on behind this one
 * @param patienceMs how long that moment is
 */
export async function removeTree(
  directory: string,
  hurry?: AbortSignal,
  patienceMs = PATIENCE_MS,
): Promise<void> {
  const leave = new AbortController()
  const removed = removeAll(directory, leave.signal).then(() => true)
  if (hurry === undefined) {
    await removed
    return
  }
  const done = new AbortController()
  const late = lateAfter(hurry, patienceMs, done.signal)
  try {
    if (await Promise.race([removed, late])) return
    removed.catch(() => {})
    leave.abort()
    leaveRemoving(directory)
  } finally {
    done.abort()
  }
}

/** Resolves with false so long after a signal, unless `done` comes first. */
async function lateAfter(signal: AbortSignal, ms: number, done: AbortSignal): Promise<boolean> {
  if (!signal.aborted) {
    await Promise.race([once(signal, 'abort', { signal: done }), once(done, 'abort')]).catch(() => {})
  }
  await setTimeout(ms, undefined, { signal: done }).catch(() => {})
  return done.aborted
}

/** Where no such process can be started, the next bake removes what is left. */
function leaveRemoving(directory: string): void {
  const remover = spawn(process.execPath, ['-e', REMOVER, directory], { detached: true, stdio: 'ignore' })
  remover.on('error', () => {})
  remover.unref()
}
