// SPDX-License-Identifier: Apache-2.0
import { basename } from 'node:path'
import { PycdsError } from '../../errors/index.js'

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such program, or what interprets it is missing',
  EACCES: 'this user may not execute it',
  ENOEXEC: 'it is not a program, or one for another architecture',
}

/** Tells why a command could not be started: NO_PYTHON when it is a python that is missing, else TRAINING_FAILED. */
export function spawnError(error: unknown, program: string): PycdsError {
  if (error instanceof PycdsError) return error
  const { code, message } = error as NodeJS.ErrnoException
  const isPython = basename(program).startsWith('python')
  return new PycdsError(code === 'ENOENT' && isPython ? 'NO_PYTHON' : 'TRAINING_FAILED', {
    message: `training run: ${program} cannot be started: ${REASONS[code ?? ''] ?? message}`,
    hint: 'Check the words behind --; a command is looked for in PATH.',
    cause: error,
  })
}
