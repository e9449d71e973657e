// SPDX-License-Identifier: Apache-2.0
// Starts a container and watches it until it has ended, is ready, or ran out of time.
import type { Container, OutputListener } from '../bake/ports.js'
import { PycdsError } from '../errors/index.js'
import type { ReadySpec } from './ready.js'

const POLL_MS = 100

export interface WatchOptions {
  ready: readonly ReadySpec[]
  /** Hard limit in milliseconds. */
  timeoutMs: number
  /** Between the stop signal and SIGKILL. */
  stopGraceSeconds: number
  signal: AbortSignal
  /** How far the run has come: a number that grows with every import. Asked for again and again. */
  activity(): Promise<number>
  onOutput?: OutputListener
}

export interface Watched {
  /** What ended the run. */
  by: ReadySpec['kind']
  /** Null when the container was stopped because it was ready. */
  exitCode: number | null
  seconds: number
  activity: number
}

/**
 * Runs a container that was made, to its end or until it is ready; it is stopped afterwards.
 * @throws TRAINING_TIMEOUT when nothing of `ready` holds in time, INTERRUPTED when `signal` aborts.
 */
export async function watch(container: Container, options: WatchOptions): Promise<Watched> {
  const began = performance.now()
  const seconds = () => (performance.now() - began) / 1000
  await container.start(options.onOutput)
  let ended: { exitCode: number } | undefined
  const end = container.wait().then((result) => {
    ended = result
  })
  const quiet = options.ready.find((spec) => spec.kind === 'quiet')
  let activity = 0
  let changed = performance.now()
  for (;;) {
    await Promise.race([end, delay(POLL_MS)])
    if (options.signal.aborted) throw interrupted()
    if (ended) return { by: 'exit', exitCode: ended.exitCode, seconds: seconds(), activity }
    const seen = await options.activity()
    if (seen !== activity) changed = performance.now()
    activity = seen
    if (quiet && activity > 0 && performance.now() - changed >= quiet.ms) {
      const took = seconds()
      await container.stop(options.stopGraceSeconds)
      await end
      return { by: 'quiet', exitCode: null, seconds: took, activity }
    }
    if (performance.now() - began >= options.timeoutMs) {
      await container.stop(0)
      throw timedOut(options, activity)
    }
  }
}

function timedOut(options: WatchOptions, activity: number): PycdsError {
  const seconds = options.timeoutMs / 1000
  const reason =
    activity > 0 ? `it went on importing (${activity} modules so far)` : 'no Python module was imported'
  return new PycdsError('TRAINING_TIMEOUT', {
    message: `training run: not ready after ${seconds} s: ${reason}`,
    hint: 'Raise --timeout, choose another --ready, or give a COMMAND that ends by itself after `--`.',
  })
}

function interrupted(): PycdsError {
  return new PycdsError('INTERRUPTED', { message: 'interrupted', hint: 'Nothing was written; run it again.' })
}

function delay(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}
