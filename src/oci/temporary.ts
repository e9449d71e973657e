// SPDX-License-Identifier: Apache-2.0
// Directories for what is not kept, in the place that TMPDIR names.
import { mkdir } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PycdsError } from '../errors/index.js'
import { isFull } from '../util/full.js'
import { ownerMark } from '../util/owner.js'

/** Directories of killed processes are known by what follows. */
export const TEMPORARY_PREFIX = 'pycds-'

/**
 * Makes a directory that only this user can look into; its name tells which process made it.
 * @throws USAGE or NO_SPACE, naming the place, when it cannot be made there
 */
export async function makeTemporary(): Promise<string> {
  const place = tmpdir()
  const directory = join(place, `${TEMPORARY_PREFIX}${ownerMark()}`)
  try {
    await mkdir(directory, { mode: 0o700 })
    return directory
  } catch (error) {
    throw temporaryError(error, place)
  }
}

/** Translates an error of a file operation in such a directory; others are returned as they are. */
export function temporaryError(error: unknown, place = tmpdir()): unknown {
  const { code } = error as NodeJS.ErrnoException
  if (error instanceof PycdsError || typeof code !== 'string') return error
  const full = isFull(error)
  return new PycdsError(full ? 'NO_SPACE' : 'USAGE', {
    message: `temporary directory ${place}: ${REASONS[code] ?? `it cannot be used (${code})`}`,
    hint: full
      ? 'Free some space, or set TMPDIR to a directory that has some.'
      : 'Set TMPDIR to a directory that exists and that this user may write to.',
    cause: error,
  })
}

/** Runs `work`, which writes to such directories; that they are full is told as such, other errors are passed on. */
export async function withRoom<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    throw isFull(error) ? temporaryError(error) : error
  }
}

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such directory',
  ENOTDIR: 'it is no directory',
  EACCES: 'this user may not write to it',
  EPERM: 'this user may not write to it',
  EROFS: 'its file system is read-only',
  ENOSPC: 'no space is left',
  EDQUOT: 'no space is left',
}
