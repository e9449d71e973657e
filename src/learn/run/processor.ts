// SPDX-License-Identifier: Apache-2.0
// Whether the processes of a container compute, seen from inside: what imports nothing may still be starting.
import type { Inside } from './inside.js'

/** Between two looks: what is computed in less is not told from the looks themselves. */
const SPAN_MS = 500
/** What was seen before that tells nothing about now. */
const FRESH_MS = 2000
/** Of one processor, had or waited for; what waits for something else uses next to none of it, what starts all. */
const BUSY = 0.5

/** The use of processors in a container, looked at when it matters. */
export class Processor {
  readonly #inside: Inside | undefined
  #last: { seconds: number; at: number } | undefined

  /** @param inside undefined: nothing can be seen, and nothing counts as busy */
  constructor(inside: Inside | undefined) {
    this.#inside = inside
  }

  /** Looks for the first time, so that the next question has something to compare with. */
  async begin(): Promise<void> {
    this.#last = await this.#look()
  }

  /** Whether much was computed since the last look, if that was just now, or in the next half a second. */
  async isBusy(): Promise<boolean> {
    const isFresh = this.#last !== undefined && performance.now() - this.#last.at < FRESH_MS
    const before = isFresh ? this.#last : await this.#look()
    if (before === undefined) return false
    const pauseMs = SPAN_MS - (performance.now() - before.at)
    if (pauseMs > 0) await new Promise((resolve) => setTimeout(resolve, pauseMs))
    const now = await this.#look()
    this.#last = now
    if (now === undefined) return false
    return now.seconds - before.seconds > (BUSY * (now.at - before.at)) / 1000
  }

  async #look(): Promise<{ seconds: number; at: number } | undefined> {
    const seconds = await this.#inside?.processorSeconds()
    return seconds === undefined ? undefined : { seconds, at: performance.now() }
  }
}
