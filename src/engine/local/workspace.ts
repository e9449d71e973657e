// SPDX-License-Identifier: Apache-2.0
// The directory in which this process unpacks and runs, and what killed processes have left of theirs.
import { mkdir, readdir, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { makeTemporary, TEMPORARY_PREFIX, temporaryError } from '../../oci/index.js'
import { isAbandoned } from '../../util/owner.js'

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

  async remove(): Promise<void> {
    const directory = await this.#made?.catch(() => undefined)
    if (directory !== undefined) await removeTree(directory)
  }
}

/** Removes the directories of processes that are gone; `cleanUp` ends what may still run in them. */
export async function removeAbandonedWorkspaces(
  cleanUp: (directory: string) => Promise<void>,
): Promise<void> {
  const names = await readdir(tmpdir()).catch(() => [])
  for (const name of names.filter((one) => one.startsWith(TEMPORARY_PREFIX) && isAbandoned(one))) {
    const directory = join(tmpdir(), name)
    const found = await stat(directory).catch(() => undefined)
    if (found === undefined || found.uid !== process.geteuid?.()) continue
    await cleanUp(directory)
    await removeTree(directory)
  }
}

/** A program in the tree may have changed its modes; only what cannot be removed then stays. */
export async function removeTree(directory: string): Promise<void> {
  await rm(directory, { recursive: true, force: true, maxRetries: 2 })
}
