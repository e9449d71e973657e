// SPDX-License-Identifier: Apache-2.0
import { posix } from 'node:path'
import { PycdsError } from '../../errors/index.js'
import type { RuntimeName, StartFailure } from './runtimes/runtime.js'

/** Tells why a command could not be started; NO_PYTHON when it is a python that the image does not have. */
export function startFailure(
  { reason, missing }: StartFailure,
  subject: string,
  program: string | undefined,
  runtime: RuntimeName,
): PycdsError {
  const short = reason.split('\n')[0]?.slice(0, 300) ?? ''
  if (missing && program !== undefined && posix.basename(program).startsWith('python')) {
    return new PycdsError('NO_PYTHON', {
      message: `${subject}: has no ${program}; ${short}`,
      hint: 'Name the interpreter of the image behind --, or bake an image that has Python.',
    })
  }
  return new PycdsError('TRAINING_FAILED', {
    message: `${subject}: cannot be started with ${runtime}: ${short}`,
    hint: 'Check that the image runs at all, give another command behind --, or choose another --runtime.',
  })
}
