// SPDX-License-Identifier: Apache-2.0
import { PycdsError } from '../errors/index.js'
import { isFull } from '../util/full.js'

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
      hint: 'Put this instruction before USER, or give that directory to the user of the image.',
      cause: error,
    })
  }
  return error
}
