// SPDX-License-Identifier: Apache-2.0
// Goes through a tar of very many members, as layers are: without a stream or a promise for each of them.
import type { Readable } from 'node:stream'
import { cutOff, damaged, MemberDecoder, padded, sourceFailure, type TarLimits } from './decode.js'
import type { TarHeader } from './entry.js'

/** Takes the body of one member. Chunks are only valid during the call. */
export interface BodySink {
  write(chunk: Buffer): void
  /** Called once, after all of the body has been written or when nothing more will come. */
  end(isWhole: boolean): void
}

/** Sees one member; undefined skips its body. */
export type MemberVisitor = (header: TarHeader) => BodySink | undefined

/**
 * Reads a tar to its end. The source is destroyed at the end; its errors and those of the visitor pass through, and
 * anything wrong with the bytes is IMAGE_INVALID.
 * @param layer what the tar is where it is a layer, as it starts an error message; one without a byte changes nothing,
 *   as engines have it
 */
export async function scanTar(
  source: Readable,
  limits: TarLimits,
  visit: MemberVisitor,
  layer?: string,
): Promise<void> {
  const scanner = new Scanner(limits, visit, layer)
  try {
    for await (const chunk of source) scanner.push(chunk as Buffer)
    scanner.finish()
  } catch (error) {
    scanner.abort()
    throw sourceFailure(error, layer)
  } finally {
    source.destroy()
  }
}

class Scanner {
  readonly #decoder: MemberDecoder
  readonly #visit: MemberVisitor
  readonly #layer: string | undefined
  #bytes = 0
  /** Bytes of the body that are still to come, and of the padding behind it. */
  #body = 0
  #padding = 0
  #sink: BodySink | undefined
  /** What is wanted in one piece has begun in these. */
  #held: Buffer[] = []
  #heldBytes = 0

  constructor(limits: TarLimits, visit: MemberVisitor, layer?: string) {
    this.#decoder = new MemberDecoder(limits, layer)
    this.#visit = visit
    this.#layer = layer
  }

  push(chunk: Buffer): void {
    this.#bytes += chunk.length
    let at = 0
    while (at < chunk.length) {
      if (this.#body > 0) {
        const end = Math.min(chunk.length, at + this.#body)
        this.#sink?.write(chunk.subarray(at, end))
        this.#body -= end - at
        at = end
        if (this.#body === 0) this.#endBody(true)
      } else if (this.#padding > 0) {
        const count = Math.min(chunk.length - at, this.#padding)
        this.#padding -= count
        at += count
      } else {
        at += this.#gather(chunk, at)
      }
    }
  }

  finish(): void {
    if (this.#bytes === 0 && this.#layer === undefined) throw damaged('it is empty')
    if (this.#body + this.#padding + this.#heldBytes > 0 || !this.#decoder.isBetween) {
      throw cutOff(undefined, this.#layer)
    }
  }

  abort(): void {
    this.#endBody(false)
  }

  #endBody(isWhole: boolean): void {
    const sink = this.#sink
    this.#sink = undefined
    sink?.end(isWhole)
  }

  /** Collects what the decoder wants; returns how many bytes were taken. */
  #gather(chunk: Buffer, at: number): number {
    const { wanted } = this.#decoder
    const count = Math.min(chunk.length - at, wanted - this.#heldBytes)
    const piece = chunk.subarray(at, at + count)
    if (this.#heldBytes + count < wanted) {
      this.#held.push(Buffer.from(piece))
      this.#heldBytes += count
      return count
    }
    const whole = this.#held.length === 0 ? piece : Buffer.concat([...this.#held, piece])
    this.#held = []
    this.#heldBytes = 0
    const header = this.#decoder.take(whole)
    if (header !== undefined) this.#begin(header)
    return count
  }

  #begin(header: TarHeader): void {
    this.#body = header.size
    this.#padding = padded(header.size) - header.size
    this.#sink = this.#visit(header)
    if (this.#body === 0) this.#endBody(true)
  }
}
