// SPDX-License-Identifier: Apache-2.0
// Goes through a tar no faster than its reader wants, who may take or leave the body of each member.
import { Readable } from 'node:stream'
import { cutOff, damaged, MemberDecoder, padded, sourceFailure, type TarLimits } from './decode.js'
import type { TarHeader } from './entry.js'
import { BLOCK } from './header.js'

/** Two of these end an archive; whatever comes behind them is read all the same. */
const END = Buffer.alloc(BLOCK)

/** A member as it comes out of an archive; what is left of its body is skipped when the next one is asked for. */
export interface Member {
  readonly header: TarHeader
  /** Its header with all extensions, as they are in the archive. */
  readonly head: Buffer
  /** Where its body begins: bytes from the start of the archive. */
  readonly offset: number
  /** Its body. */
  body(): AsyncIterable<Buffer>
  /** Its body with the padding behind it, as they are in the archive. */
  rest(): AsyncIterable<Buffer>
}

/**
 * The members of a tar. The source is destroyed at the end, also when the reader stops early. Its errors pass through;
 * anything wrong with the bytes is IMAGE_INVALID.
 * @param subject what the archive is, as it starts an error message
 */
export async function* membersOf(
  source: Readable | Buffer,
  limits: TarLimits,
  subject?: string,
): AsyncGenerator<Member> {
  const input = Buffer.isBuffer(source) ? Readable.from([source], { objectMode: false }) : source
  const bytes = new Bytes(input, subject)
  const decoder = new MemberDecoder(limits, subject)
  let head: Buffer[] = []
  try {
    for (let piece = await bytes.take(BLOCK); piece !== undefined; piece = await bytes.take(decoder.wanted)) {
      if (decoder.isBetween && piece.equals(END)) continue
      head.push(piece)
      const header = decoder.take(piece)
      if (header === undefined) continue
      const offset = bytes.taken
      const end = offset + padded(header.size)
      yield {
        header,
        head: Buffer.concat(head),
        offset,
        body: () => bytes.until(offset + header.size),
        rest: () => bytes.until(end),
      }
      head = []
      await bytes.skipTo(end)
    }
    if (bytes.taken === 0) throw damaged('it is empty', undefined, subject)
    if (!decoder.isBetween) throw cutOff(undefined, subject)
  } finally {
    input.destroy()
  }
}

/** Bytes of a stream, in pieces as they are wanted. */
class Bytes {
  readonly #chunks: AsyncIterator<Buffer>
  readonly #subject: string | undefined
  #chunk: Buffer = Buffer.alloc(0)
  /** So many have been handed out. */
  taken = 0

  constructor(source: Readable, subject: string | undefined) {
    this.#chunks = source[Symbol.asyncIterator]()
    this.#subject = subject
  }

  /** So many in one piece; undefined where the stream ends. */
  async take(count: number): Promise<Buffer | undefined> {
    const pieces: Buffer[] = []
    const end = this.taken + count
    while (this.taken < end && (await this.#fill())) pieces.push(this.#cut(end))
    const [first] = pieces
    if (first === undefined) return undefined
    if (this.taken < end) throw cutOff(undefined, this.#subject)
    return pieces.length === 1 ? first : Buffer.concat(pieces)
  }

  /** All up to a place. */
  async *until(place: number): AsyncGenerator<Buffer> {
    while (this.taken < place) {
      if (!(await this.#fill())) throw cutOff(undefined, this.#subject)
      yield this.#cut(place)
    }
  }

  async skipTo(place: number): Promise<void> {
    while (this.taken < place) {
      if (!(await this.#fill())) throw cutOff(undefined, this.#subject)
      this.#cut(place)
    }
  }

  #cut(place: number): Buffer {
    const piece = this.#chunk.subarray(0, place - this.taken)
    this.#chunk = this.#chunk.subarray(piece.length)
    this.taken += piece.length
    return piece
  }

  /** Whether there is more. */
  async #fill(): Promise<boolean> {
    while (this.#chunk.length === 0) {
      const next = await this.#chunks.next().catch((error: unknown) => {
        throw sourceFailure(error)
      })
      if (next.done) return false
      this.#chunk = next.value
    }
    return true
  }
}
