// SPDX-License-Identifier: Apache-2.0
// Nothing half written: files get their name when they are whole, and one process at a time writes to a place.
import { open, readdir, readFile, rename, rm } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { isAbandoned, ownerMark } from './owner.js'

const PREFIX = '.pycds-'
const LOCK_POLL_MS = 50

/** A name beside `path` under which it can be prepared. */
export function stagingPath(path: string): string {
  return join(dirname(path), `${PREFIX}${ownerMark()}.tmp`)
}

/** Removes what runs that were killed have left in a directory; what cannot be removed stays for the next one. */
export async function removeAbandoned(directory: string): Promise<void> {
  const names = await readdir(directory).catch(() => [])
  const stale = names.filter((name) => name.startsWith(PREFIX) && isAbandoned(name))
  await Promise.allSettled(stale.map((name) => rm(join(directory, name), { recursive: true, force: true })))
}

/** Writes a file by `fill` and gives it its name at the end; a failure leaves nothing. */
export async function writeWhole(path: string, fill: (staged: string) => Promise<void>): Promise<void> {
  const staged = stagingPath(path)
  try {
    await fill(staged)
    const file = await open(staged, 'r')
    await file.sync().finally(() => file.close())
    await rename(staged, path)
  } catch (error) {
    await rm(staged, { recursive: true, force: true })
    throw error
  }
}

/**
 * Runs `work` while no other process does so for the same path; waits for its turn.
 * @param deadlineMs how long to wait; `onDeadline` makes the error for when that is over.
 */
export async function withLock<T>(
  path: string,
  work: () => Promise<T>,
  deadlineMs: number,
  onDeadline: (lock: string) => Error,
): Promise<T> {
  const lock = join(dirname(path), `${PREFIX}${basename(path)}.lock`)
  const mark = ownerMark()
  const end = performance.now() + deadlineMs
  while (!(await acquire(lock, mark))) {
    if (performance.now() > end) throw onDeadline(lock)
    await new Promise((resolve) => setTimeout(resolve, LOCK_POLL_MS))
  }
  try {
    return await work()
  } finally {
    await rm(lock, { force: true })
  }
}

async function acquire(lock: string, mark: string): Promise<boolean> {
  try {
    const file = await open(lock, 'wx')
    await file.writeFile(mark).finally(() => file.close())
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
  }
  const holder = await readFile(lock, 'utf8').catch(() => '')
  if (isAbandoned(holder)) {
    // Whoever renames it first may remove it; a lock that was taken anew in between has another name by then.
    const grave = `${lock}.${mark}`
    await rename(lock, grave).catch(() => undefined)
    const buried = await readFile(grave, 'utf8').catch(() => undefined)
    if (buried !== undefined && buried !== holder) await rename(grave, lock)
    else await rm(grave, { force: true })
  }
  return false
}
