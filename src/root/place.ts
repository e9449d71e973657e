// SPDX-License-Identifier: Apache-2.0
// Where the files of a run lie while it goes on. A memory file system is no part of the image,
// so that not even the time of /tmp changes.
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statfsSync } from 'node:fs'
import { join } from 'node:path'
import { PycdsError } from '../errors/index.js'

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
      const place = mkdtempSync(join(parent, `${PREFIX}${process.pid}-${startOf(process.pid)}-`))
      chmodSync(place, 0o755)
      mkdirSync(join(place, 'trace'), { recursive: true })
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
      const [, pid, start] = /^pycds-step-(\d+)-(\d+)-/.exec(name) ?? []
      if (pid === undefined || startOf(Number(pid)) === start) continue
      rmSync(join(parent, name), { recursive: true, force: true })
    }
  } catch {
    // There is no such directory, or what lies there belongs to another user.
  }
}

/** When a process was started, in ticks since the machine was; empty when there is none. */
function startOf(pid: number): string {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'latin1')
    return text.slice(text.lastIndexOf(')') + 2).split(' ')[19] ?? ''
  } catch {
    return ''
  }
}
