// SPDX-License-Identifier: Apache-2.0
// Removes unpacked images. Node's own `rm` begins with all files of a tree at the same time, and with many small ones
// what it keeps of each of them is more than a whole bake needs.
import { readdirSync, rmdirSync, unlinkSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'

/** So much is removed before others get their turn, a signal among them. */
const PATHS_AT_ONCE = 500

/**
 * Removes a directory with all below it. Rejects when something stays; the rest is gone then all the same.
 * @param stop leaves what is still there to somebody else
 */
export async function removeAll(directory: string, stop?: AbortSignal): Promise<void> {
  const removal = removed(directory)
  let done = false
  for (let count = 1; !done; count += 1) {
    done = removal.next().done === true
    if (count % PATHS_AT_ONCE !== 0) continue
    await new Promise((resolve) => setImmediate(resolve))
    if (stop?.aborted) return
  }
  // Little or nothing is left: it tries again where that helps, and tells why something stays.
  await rm(directory, { recursive: true, force: true, maxRetries: 2 })
}

/** Goes on once for each path below a directory, and the directory itself, when it is gone or cannot be removed. */
function* removed(directory: string): Generator<void> {
  const entries = attempt(() => readdirSync(directory, { withFileTypes: true })) ?? []
  for (const entry of entries) {
    const path = join(directory, entry.name)
    if (entry.isDirectory()) {
      yield* removed(path)
    } else {
      attempt(() => unlinkSync(path))
      yield
    }
  }
  attempt(() => rmdirSync(directory))
  yield
}

function attempt<T>(work: () => T): T | undefined {
  try {
    return work()
  } catch {
    // Somebody else may have removed it. What is still there is told in the end.
    return undefined
  }
}
