// SPDX-License-Identifier: Apache-2.0
// What a program said last: of one that failed it mostly tells why.
import type { OutputListener } from '../../ports/index.js'

/** Pieces of output that are kept. */
const KEPT = 50
/** What ends with a bracket of its own, as a list of lines does, says nothing there. */
const SAYS_SOMETHING = /[\p{L}\d]/u
/** Of the runtime of a baked image, under `PYCDS_LOG`. */
const OF_THE_RUNTIME = /^pycds\[\d+\]: /

export class LastWords {
  readonly #pieces: string[] = []

  readonly push: OutputListener = (_stream, chunk) => {
    this.#pieces.push(chunk.toString())
    if (this.#pieces.length > KEPT) this.#pieces.shift()
  }

  /** The last line that says something; undefined: there was none. */
  get line(): string | undefined {
    return this.#pieces
      .join('')
      .split('\n')
      .findLast((line) => SAYS_SOMETHING.test(line) && !OF_THE_RUNTIME.test(line))
      ?.trim()
  }
}
