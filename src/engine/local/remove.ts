// SPDX-License-Identifier: Apache-2.0
// Removes unpacked images. Node's own `rm` begins with all files of a tree at the same time, and with many small ones
// what it keeps of each of them is more than a whole bake needs.
import { readdir, rm, rmdir, unlink } from 'node:fs/promises'
import { join } from 'node:path'

/** So many files are being removed at the same time: enough for all threads of Node to have something to do. */
const AT_ONCE = 32

/**
 * Removes a directory with all below it. Rejects when something stays; the rest is gone then all the same.
 * @param stop leaves what is still there to somebody else
 */
export async function removeAll(directory: string, stop?: AbortSignal): Promise<void> {
  await removeBelow(directory, stop)
  if (stop?.aborted) return
  // Little or nothing is left: it tries again where that helps, and tells why something stays.
  await rm(directory, { recursive: true, force: true, maxRetries: 2 })
}

async function removeBelow(directory: string, stop: AbortSignal | undefined): Promise<void> {
  const entries = (await attempt(readdir(directory, { withFileTypes: true }))) ?? []
  const files = entries.filter((entry) => !entry.isDirectory()).map(({ name }) => join(directory, name))
  for (let at = 0; at < files.length; at += AT_ONCE) {
    if (stop?.aborted) return
    await Promise.all(files.slice(at, at + AT_ONCE).map((path) => attempt(unlink(path))))
  }
  for (const entry of entries) if (entry.isDirectory()) await removeBelow(join(directory, entry.name), stop)
  if (!stop?.aborted) await attempt(rmdir(directory))
}

async function attempt<T>(work: Promise<T>): Promise<T | undefined> {
  try {
    return await work
  } catch {
    // Somebody else may have removed it. What is still there is told in the end.
    return undefined
  }
}
