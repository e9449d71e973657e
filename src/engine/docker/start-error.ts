// SPDX-License-Identifier: Apache-2.0
import { posix } from 'node:path'
import { replyTextOf, shortenReason } from '../../docker/index.js'
import { PycdsError } from '../../errors/index.js'

/** How runtimes say that it is the command, the user or the directory that is wrong, and not the engine. */
const NOT_STARTABLE =
  /executable file not found|no such file or directory|permission denied|exec format error|is a directory|not a directory|unable to find user|no matching entries in|no command specified|OCI runtime|crun|runc/i

/**
 * Tells why a container could not be started. A command that cannot be executed is the image's affair:
 * NO_PYTHON when it is a python, else TRAINING_FAILED. Anything else is returned as it is.
 *
 * @param subject the container, as it starts an error message
 * @param program the command's first word; undefined when the image has none
 */
export function startError(error: unknown, subject: string, program: string | undefined): unknown {
  const text = replyTextOf(error)
  if (!(error instanceof PycdsError) || error.code !== 'ENGINE_FAILED' || text === undefined) return error
  if (!NOT_STARTABLE.test(text)) return error
  const reason = shortenReason(text)
  if (/executable file not found|no such file or directory/i.test(text) && isPython(program)) {
    return new PycdsError('NO_PYTHON', {
      message: `${subject}: has no ${program}; ${reason}`,
      hint: 'Name the interpreter of the image behind --, or bake an image that has Python.',
      cause: error,
    })
  }
  return new PycdsError('TRAINING_FAILED', {
    message: `${subject}: cannot be started: ${reason}`,
    hint: 'Check that the image runs at all, or give another command behind --.',
    cause: error,
  })
}

function isPython(program: string | undefined): boolean {
  return program !== undefined && posix.basename(program).startsWith('python')
}
