// SPDX-License-Identifier: Apache-2.0
// gRPC's framing of one message: a flag for compression, four bytes of length, the message.
import { CODE, failure } from './status.js'

const PREFIX_BYTES = 5

/** More than any answer of BuildKit; a length above it is no length. */
const MAX_ANSWER_BYTES = 64 * 1024 * 1024

/** Puts the prefix in front of a message. */
export function frame(message: Uint8Array): Buffer {
  const prefix = Buffer.alloc(PREFIX_BYTES)
  prefix.writeUInt32BE(message.length, 1)
  return Buffer.concat([prefix, message])
}

/** Collects the one message of an answer from its chunks; BuilderError for anything that is not one. */
export class AnswerReader {
  readonly #chunks: Buffer[] = []
  #length = 0

  /** Takes the next chunk; refuses a length that is over the limit before it is kept in memory. */
  add(chunk: Buffer): void {
    this.#chunks.push(chunk)
    this.#length += chunk.length
    const announced = this.#announced()
    if ((announced ?? 0) > MAX_ANSWER_BYTES || this.#length > MAX_ANSWER_BYTES + PREFIX_BYTES) {
      throw failure(CODE.resourceExhausted, `BuildKit's answer is over ${MAX_ANSWER_BYTES} bytes`)
    }
  }

  /** The message; the stream has ended. */
  end(): Buffer {
    const all = Buffer.concat(this.#chunks)
    const announced = this.#announced()
    if (announced === undefined || all.length !== PREFIX_BYTES + announced || all[0] !== 0) {
      throw failure(CODE.unknown, "BuildKit's answer is cut short or compressed")
    }
    return all.subarray(PREFIX_BYTES)
  }

  #announced(): number | undefined {
    if (this.#length < PREFIX_BYTES) return undefined
    const [first] = this.#chunks
    if (first !== undefined && first.length < PREFIX_BYTES) {
      this.#chunks.splice(0, this.#chunks.length, Buffer.concat(this.#chunks))
    }
    return this.#chunks[0]?.readUInt32BE(1)
  }
}
