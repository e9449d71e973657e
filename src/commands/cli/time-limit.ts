// SPDX-License-Identifier: Apache-2.0
import { PycdsError } from '../../errors/index.js'

/** How long work may take, and what it is, as it starts an error message. */
export interface TimeLimit {
  ms: number
  subject: string
}

/** So long may work take to clean up after it was stopped; what does not end then is left to itself. */
const GRACE_MS = 30_000

/** Runs `work` with a signal that aborts when its time is over, or with `outer`. Rejects with BAKE_TIMEOUT then. */
export async function withinLimit<T>(
  limit: TimeLimit | undefined,
  outer: AbortSignal,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  if (limit === undefined) return await work(outer)
  const over = new PycdsError('BAKE_TIMEOUT', {
    message: `${limit.subject}: not baked within ${limit.ms / 1000} s`,
    hint: 'Give it more time with --image-timeout, or look at what it does: bake it alone, with --progress plain.',
  })
  const controller = new AbortController()
  const timers: NodeJS.Timeout[] = []
  const leaving = new Promise<never>((_, reject) => {
    const stop = () => {
      controller.abort(over)
      timers.push(setTimeout(() => reject(over), GRACE_MS))
    }
    timers.push(setTimeout(stop, limit.ms))
  })
  const working = work(AbortSignal.any([outer, controller.signal]))
  working.catch(() => {}) // nobody waits for what was left to itself
  try {
    return await Promise.race([working, leaving])
  } catch (error) {
    throw controller.signal.aborted && !outer.aborted ? over : error
  } finally {
    for (const timer of timers) clearTimeout(timer)
  }
}
