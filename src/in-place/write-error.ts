// SPDX-License-Identifier: Apache-2.0
import { PycdsError } from '../errors/index.js'
import { isFull } from '../util/full.js'

/** What lies where something is to be written, and is not what it should be. */
const IN_THE_WAY: Readonly<Record<string, string>> = {
  EEXIST: 'something else lies there',
  EISDIR: 'a directory lies there',
  ELOOP: 'the links on the way lead nowhere',
  ENAMETOOLONG: 'the path is too long',
  ENOENT: 'a link on the way leads nowhere',
  ENOTDIR: 'a part of the path is no directory',
  ENOTEMPTY: 'a directory lies there',
}

/** Names the path, the reason and what to do; anything that is not the file system's refusal is returned as it is. */
export function writeError(error: unknown, path: string): unknown {
  const { code } = error as NodeJS.ErrnoException
  if (isFull(error)) {
    return new PycdsError('NO_SPACE', {
      message: `${path}: no space left`,
      hint: 'Free space where the builder keeps its layers, then build again.',
      cause: error,
    })
  }
  if (code === 'EACCES' || code === 'EPERM' || code === 'EROFS') {
    const reason =
      code === 'EROFS' ? 'the file system is read-only' : `user ${process.getuid?.()} may not write there`
    return new PycdsError('USAGE', {
      message: `${path}: ${reason}`,
      hint: 'Make that directory writable for this user; in a Dockerfile, put this instruction before USER.',
      cause: error,
    })
  }
  const reason = code && IN_THE_WAY[code]
  if (reason) {
    return new PycdsError('USAGE', {
      message: `${path}: ${reason}`,
      hint: 'Move away what lies there, and try again.',
      cause: error,
    })
  }
  return error
}
