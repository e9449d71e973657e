// SPDX-License-Identifier: Apache-2.0
import type { EventEmitter } from 'node:events'
import { PycdsError } from '../../errors/index.js'

const SIGNALS = ['SIGINT', 'SIGTERM'] as const

/** The part of `process` that is needed here. */
export interface SignalSource extends Pick<EventEmitter, 'on' | 'off'> {
  exit(code: number): never
  stderr: { write(text: string): unknown }
}

/**
 * Runs `work` with a signal that aborts on SIGINT and SIGTERM, and waits for it to clean up after itself.
 * Rejects with INTERRUPTED when it failed after that. A second signal ends the process at once, with 130.
 */
export async function interruptible<T>(
  work: (signal: AbortSignal) => Promise<T>,
  source: SignalSource = process,
): Promise<T> {
  const controller = new AbortController()
  const onSignal = (name: string) => {
    if (controller.signal.aborted) {
      source.stderr.write(
        'pycds-image: left without cleaning up; containers labelled io.pycds.run may remain\n',
      )
      source.exit(130)
    }
    controller.abort(
      new PycdsError('INTERRUPTED', {
        message: `pycds-image: interrupted by ${name}`,
        hint: 'The source image and its names are as they were; run it again when you like.',
      }),
    )
  }
  for (const name of SIGNALS) source.on(name, onSignal)
  try {
    return await work(controller.signal)
  } catch (error) {
    // What fails while everything is being taken down is a consequence of the interruption.
    throw controller.signal.aborted ? controller.signal.reason : error
  } finally {
    for (const name of SIGNALS) source.off(name, onSignal)
  }
}
