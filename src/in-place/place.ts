// SPDX-License-Identifier: Apache-2.0
// Where the files of a run lie while it goes on. A memory file system is no part of the image,
// so that not even the time of /tmp changes.
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statfsSync } from 'node:fs'
import { join } from 'node:path'
import { PycdsError } from '../errors/index.js'
import { isAbandoned, ownerMark } from '../util/owner.js'

const TMPFS = 0x01021994
const PREFIX = 'pycds-step-'
const CANDIDATES = ['/dev/shm', '/tmp', '/run', '/var/tmp', '/']

/** Makes a directory whose name tells which process it belongs to; those of processes that are gone are removed. */
export function makePlace(temporary: string | undefined): string {
  const candidates = [...(temporary === undefined ? [] : [temporary]), ...CANDIDATES]
  for (const parent of candidates) removeStale(parent)
  const failures: unknown[] = []
  for (const parent of [...candidates].sort((a, b) => memory(b) - memory(a))) {
    try {
      const place = mkdtempSync(join(parent, `${PREFIX}${ownerMark()}-`))
      chmodSync(place, 0o755)
      mkdirSync(join(place, 'runlog'), { recursive: true })
      return place
    } catch (error) {
      failures.push(error)
    }
  }
  throw new PycdsError('NO_SPACE', {
    message: `training run: no directory can be written for its files: ${candidates.join(', ')}`,
    hint: 'Mount one for the instruction: RUN --mount=type=tmpfs,target=/tmp ...',
    cause: failures[0],
  })
}

/** Bytes that a memory file system can still hold; 0 for any other. */
function memory(directory: string): number {
  try {
    const { type, bavail, bsize } = statfsSync(directory)
    return type === TMPFS ? bavail * bsize : 0
  } catch {
    return 0
  }
}

function removeStale(parent: string): void {
  try {
    for (const name of readdirSync(parent)) {
      if (!name.startsWith(PREFIX) || !isAbandoned(name)) continue
      rmSync(join(parent, name), { recursive: true, force: true })
    }
  } catch {
    // There is no such directory, or what lies there belongs to another user.
  }
}
