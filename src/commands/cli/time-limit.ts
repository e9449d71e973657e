// SPDX-License-Identifier: Apache-2.0
import { PycdsError } from '../../errors/index.js'

/** How long work may take, and what it is, as it starts an error message. */
export interface TimeLimit {
  ms: number
  subject: string
}

/** So long may work take to clean up after it was stopped; what does not end then is left to itself. */
const GRACE_MS = 30_000

/**
 * Runs `work` with a signal that aborts with `outer`, or when its time is over. Rejects with BAKE_TIMEOUT then. Whoever
 * listens to that signal is forgotten with it: `outer` may last for thousands of images.
 */
export async function withinLimit<T>(
  limit: TimeLimit | undefined,
  outer: AbortSignal,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const controller = new AbortController()
  const follow = () => controller.abort(outer.reason)
  if (outer.aborted) follow()
  outer.addEventListener('abort', follow, { once: true })
  const clock = limit && startClock(limit, controller)
  const working = work(controller.signal)
  working.catch(() => {}) // nobody waits for what was left to itself
  try {
    return await (clock ? Promise.race([working, clock.leaving]) : working)
  } catch (error) {
    throw clock?.isOver() && !outer.aborted ? clock.over : error
  } finally {
    outer.removeEventListener('abort', follow)
    clock?.stop()
  }
}

/** Aborts when the time is over, and gives up on waiting after a while more. */
function startClock({ ms, subject }: TimeLimit, controller: AbortController) {
  const over = new PycdsError('BAKE_TIMEOUT', {
    message: `${subject}: not baked within ${ms / 1000} s`,
    hint: 'Give it more time with --image-timeout, or look at what it does: bake it alone, with --progress plain.',
  })
  const timers: NodeJS.Timeout[] = []
  const leaving = new Promise<never>((_, reject) => {
    const end = () => {
      controller.abort(over)
      timers.push(setTimeout(() => reject(over), GRACE_MS))
    }
    timers.push(setTimeout(end, ms))
  })
  const isOver = () => controller.signal.reason === over
  return { over, leaving, isOver, stop: () => timers.forEach(clearTimeout) }
}
