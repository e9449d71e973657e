// SPDX-License-Identifier: Apache-2.0
// What the file system says, in the words of this program.
import { PycdsError } from '../errors/index.js'
import { isFull } from '../util/full.js'

/** Translates an error of a file operation on a place; other errors are returned as they are. */
export function fileError(error: unknown, subject: string): unknown {
  const { code, message } = error as NodeJS.ErrnoException
  if (error instanceof PycdsError || typeof code !== 'string') return error
  if (isFull(error)) {
    return new PycdsError('NO_SPACE', {
      message: `${subject}: no space is left`,
      hint: 'Free some space, or write to another file system with --output.',
      cause: error,
    })
  }
  const missing = code === 'ENOENT' || code === 'ENOTDIR'
  return new PycdsError(missing ? 'IMAGE_NOT_FOUND' : 'IMAGE_INVALID', {
    message: missing ? `${subject}: there is no such file or directory` : `${subject}: ${reasonOf(message)}`,
    hint: missing ? 'Check the path.' : 'Check the path and its permissions.',
    cause: error,
  })
}

/** The error for a directory in which an option has something kept, and that cannot be written to. */
export function notKept(option: string, directory: string, cause: unknown): PycdsError {
  const full = isFull(cause)
  return new PycdsError(full ? 'NO_SPACE' : 'USAGE', {
    message: `${option} ${directory}: it cannot be written to`,
    hint: full ? 'Make room on its disk.' : 'Name a directory that this user may write to.',
    cause,
  })
}

/** Runs a file operation with its errors translated. */
export async function withFiles<T>(subject: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    throw fileError(error, subject)
  }
}

/** `EACCES: permission denied, open '...'` without the path, which the subject names. */
function reasonOf(message: string): string {
  return message.replace(/^[A-Z]+: /, '').replace(/, \w+ '.*$/s, '')
}
