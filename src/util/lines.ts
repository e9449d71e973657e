// SPDX-License-Identifier: Apache-2.0
import { StringDecoder } from 'node:string_decoder'

/** Where a line ends: after a line feed. */
const LINE_FEED = /(?<=\n)/
/** Also after a carriage return that stands alone, with which a progress bar draws itself anew. */
const CARRIAGE_RETURN = /(?<=\n)|(?<=\r)(?!\n|$)/

/**
 * Cuts bytes, which come in chunks of any size, into lines. Nothing is lost: all texts that it gives make the decoded
 * input. A character of UTF-8 whose bytes come in two chunks is one character.
 */
export class LineSplitter {
  readonly #decoder = new StringDecoder('utf8')
  readonly #maxLength: number
  readonly #ends: RegExp
  #rest = ''

  /**
   * @param maxLength in UTF-16 units; a longer line comes in pieces, so that an endless one cannot fill the memory.
   * @param options.carriageReturns whether they end lines too.
   */
  constructor(maxLength: number, { carriageReturns = false } = {}) {
    this.#maxLength = maxLength
    this.#ends = carriageReturns ? CARRIAGE_RETURN : LINE_FEED
  }

  /** The lines that a chunk completes, each with its end, and pieces of those that are too long, which have none. */
  push(chunk: Buffer): string[] {
    const parts = (this.#rest + this.#decoder.write(chunk)).split(this.#ends)
    const last = parts.at(-1) ?? ''
    this.#rest = last.endsWith('\n') ? '' : last
    if (this.#rest !== '') parts.pop()
    const lines = parts.filter((part) => part !== '').flatMap((part) => this.#piecesOf(part))
    const pieces = this.#piecesOf(this.#rest)
    this.#rest = pieces.pop() ?? ''
    return [...lines, ...pieces]
  }

  /** The beginning of a line that has not ended yet. */
  get rest(): string {
    return this.#rest
  }

  /** What is left at the end of the input; empty when that was the end of a line. */
  end(): string {
    const text = this.#rest + this.#decoder.end()
    this.#rest = ''
    return text
  }

  #piecesOf(line: string): string[] {
    const pieces: string[] = []
    let at = 0
    while (line.length - at > this.#maxLength) {
      let end = at + this.#maxLength
      // Not between the two units of one character.
      if (isHighSurrogate(line.charCodeAt(end - 1)) && end - at > 1) end -= 1
      pieces.push(line.slice(at, end))
      at = end
    }
    return [...pieces, line.slice(at)]
  }
}

/** A line without its end. */
export function withoutEnd(line: string): string {
  return line.replace(/\r?\n$|\r$/, '')
}

function isHighSurrogate(unit: number): boolean {
  return unit >= 0xd800 && unit <= 0xdbff
}
