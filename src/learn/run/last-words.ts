// SPDX-License-Identifier: Apache-2.0
// What a program said last: of one that failed it mostly tells why.
import type { OutputListener } from '../../ports/index.js'

/** Pieces of output that are kept. */
const KEPT = 50
/** What ends with a bracket of its own, as a list of lines does, says nothing there. */
const SAYS_SOMETHING = /[\p{L}\d]/u
/** Of the runtime of a baked image, under `PYCDS_LOG`. */
const OF_THE_RUNTIME = /^pycds\[\d+\]: /
const TRACEBACK = /^Traceback \(most recent call last\):/
/** Lines behind an exception that are still about it: more of its message, or how a master ends because of it. */
const BEHIND = 10

export class LastWords {
  readonly #pieces: string[] = []

  readonly push: OutputListener = (_stream, chunk) => {
    this.#pieces.push(chunk.toString())
    if (this.#pieces.length > KEPT) this.#pieces.shift()
  }

  /** The exception that the program ended with, else the last line that says something; undefined: there was none. */
  get line(): string | undefined {
    const lines = this.#pieces
      .join('')
      .split('\n')
      .filter((line) => SAYS_SOMETHING.test(line) && !OF_THE_RUNTIME.test(line))
    const start = lines.findLastIndex((line) => TRACEBACK.test(line))
    const exception = start < 0 ? -1 : lines.findIndex((line, at) => at > start && /^\S/.test(line))
    const isLast = exception >= 0 && lines.length - 1 - exception <= BEHIND
    return (isLast ? lines[exception] : lines.at(-1))?.trim()
  }
}
