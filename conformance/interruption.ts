// SPDX-License-Identifier: Apache-2.0
// A run that somebody ends before its time ends what it has started, keeps the results that it has, and says so.
import { constants } from 'node:os'

const ENDING = ['SIGHUP', 'SIGINT', 'SIGTERM'] as const
/** How a shell tells that a signal has ended a program. */
const SIGNALLED = 128

/** What the work of a run rejects with once it has been interrupted, when everything that it had started has ended. */
export class Interrupted extends Error {
  readonly exitCode: number

  constructor(readonly by: (typeof ENDING)[number] | 'SIGPIPE') {
    super(`interrupted by ${by}`)
    this.exitCode = SIGNALLED + constants.signals[by]
  }
}

/**
 * Aborted with an Interrupted by the first signal that asks this process to end, and when nobody reads its output any more;
 * with an Error when that cannot be written. A second signal ends this process at once.
 */
export function listenForInterruption(output: NodeJS.EventEmitter): AbortSignal {
  const controller = new AbortController()
  for (const name of ENDING) process.once(name, () => controller.abort(new Interrupted(name)))
  output.on('error', (error: NodeJS.ErrnoException) =>
    controller.abort(error.code === 'EPIPE' ? new Interrupted('SIGPIPE') : error),
  )
  return controller.signal
}
