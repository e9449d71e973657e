// SPDX-License-Identifier: Apache-2.0
// Whether starts of a new image end as those of the original do. Nothing is faster than a start that fails.
import { PycdsError } from '../errors/index.js'
import { type ReadySpec, type RunLimits, type StartEnd, untilEnd } from '../learn/run/index.js'

/** An original that is not always the same is asked so many times more. */
const TIMES_AGAIN = 3

/** Starts one of two images again, until it ends or as long as the plan says. */
export type Again = (which: 'original' | 'baked', ready: readonly ReadySpec[]) => Promise<StartEnd>

/** The ends of two images' starts, as they come. */
export class Ends {
  readonly #original: StartEnd[] = []
  readonly #again: Again
  readonly #limits: RunLimits

  constructor(again: Again, limits: RunLimits) {
    this.#again = again
    this.#limits = limits
  }

  addOriginal(end: StartEnd): void {
    this.#original.push(end)
  }

  /**
   * Looks at an end of the new image. What was ended while it ran is not known to be different: it is given the time to
   * end, and the original to end otherwise than it did.
   * @returns how it differs from all that the original does, as a sentence; undefined: it does not
   */
  async difference(end: StartEnd): Promise<string | undefined> {
    if (this.#knows(end)) return undefined
    const told = end.exitCode === null ? await this.#waitForBaked() : end
    if (this.#knows(told)) return undefined
    for (let times = 0; times < TIMES_AGAIN; times++) {
      const again = await this.#again('original', this.#until(told))
      this.addOriginal(again)
      if (this.#knows(told)) return undefined
      if (again.exitCode === null) break
    }
    return `it ${describe(told)}; the original ${describe(this.#original.at(-1))}`
  }

  #knows({ exitCode }: StartEnd): boolean {
    return this.#original.some((one) => one.exitCode === exitCode)
  }

  #waitForBaked(): Promise<StartEnd> {
    const [slowest] = [...this.#original].sort((a, b) => b.seconds - a.seconds)
    return this.#again('baked', this.#until(slowest))
  }

  #until(other: StartEnd | undefined): readonly ReadySpec[] {
    return untilEnd(other?.seconds ?? 0, this.#limits)
  }
}

/**
 * Of a bake.
 * @param reason as {@link Ends.difference} gives it
 */
export function startsOtherwise(reference: string, reason: string): PycdsError {
  return new PycdsError('VERIFY_FAILED', {
    message: `image ${reference}: the baked image does not start as before: ${reason}`,
    hint: 'Nothing was tagged. To look into it, bake with --measure 0, and start that with PYCDS=off and without.',
  })
}

function describe(end: StartEnd | undefined): string {
  const exitCode = end?.exitCode ?? null
  if (exitCode !== null) return `ends with exit code ${exitCode}`
  return `still runs after ${Math.round(end?.seconds ?? 0)} s`
}
