// SPDX-License-Identifier: Apache-2.0
// What becomes of a process whose output cannot be written. A reader that has left, as `head` does, is no failure:
// what was asked for has been done, or goes on. A full disk is one, since a script would take what is there for all.
import { PycdsError } from '../errors/index.js'
import { isFull } from '../util/full.js'

/** Watches the standard streams; `fail` gets the error of standard output that cannot be ignored. */
export function watchOutput(fail: (error: PycdsError) => void): void {
  // oclif throws from a listener of its own, which nothing could catch.
  process.stdout.removeAllListeners('error')
  process.stdout.on('error', (cause: NodeJS.ErrnoException) => {
    if (cause.code !== 'EPIPE') fail(unwritable(cause))
  })
  // Nothing could be told.
  process.stderr.on('error', () => {})
}

/** Resolves when standard output has taken everything, or takes nothing more. */
export function outputEnd(): Promise<void> {
  return new Promise((resolve) => {
    if (process.stdout.destroyed || process.stdout.writableEnded) return resolve()
    process.stdout.once('error', () => resolve())
    process.stdout.write('', () => resolve())
  })
}

function unwritable(cause: NodeJS.ErrnoException): PycdsError {
  const full = isFull(cause)
  return new PycdsError(full ? 'NO_SPACE' : 'USAGE', {
    message: `standard output: ${full ? 'no space is left' : 'it cannot be written'}`,
    hint: 'Write it to a place that has room and can be written to; what was asked for may have been done.',
    cause,
  })
}
