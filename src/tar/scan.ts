// SPDX-License-Identifier: Apache-2.0
// Goes through a tar of very many members, as layers are: without a stream or a promise for each of them.
import type { Readable } from 'node:stream'
import type { TarHeader } from './entry.js'
import { BLOCK, decodeHeader, decodePax, type RawHeader, textAt } from './header.js'
import { damaged, type TarLimits, toHeader } from './walk.js'

/** Takes the body of one member. Chunks are only valid during the call. */
export interface BodySink {
  write(chunk: Buffer): void
  /** Called once, after all of the body has been written or when nothing more will come. */
  end(isWhole: boolean): void
}

/** Sees one member; undefined skips its body. */
export type MemberVisitor = (header: TarHeader) => BodySink | undefined

const EXTENSION_LIMIT = 4 * 1024 * 1024
/** Type flags of members that tell of the next one. */
const EXTENSIONS = 'xgLKN'
const TYPES: Readonly<Record<string, Parameters<typeof toHeader>[0]['type']>> = {
  '0': 'file',
  '1': 'link',
  '2': 'symlink',
  '3': 'character-device',
  '4': 'block-device',
  '5': 'directory',
  '6': 'fifo',
  '7': 'contiguous-file',
}

/**
 * Reads a tar to its end. The source is destroyed at the end; its errors and those of the visitor pass through, and
 * anything wrong with the bytes is IMAGE_INVALID.
 */
export async function scanTar(source: Readable, limits: TarLimits, visit: MemberVisitor): Promise<void> {
  const scanner = new Scanner(limits, visit)
  try {
    for await (const chunk of source) scanner.push(chunk as Buffer)
    scanner.finish()
  } catch (error) {
    scanner.abort()
    if ((error as NodeJS.ErrnoException).code === 'ERR_STREAM_PREMATURE_CLOSE') throw cutOff()
    throw error
  } finally {
    source.destroy()
  }
}

class Scanner {
  readonly #limits: TarLimits
  readonly #visit: MemberVisitor
  #entries = 0
  #bytes = 0
  /** Bytes of the body that are still to come, and of the padding behind it. */
  #body = 0
  #padding = 0
  #sink: BodySink | undefined
  /** The header of an extension whose records are awaited. */
  #extension: RawHeader | undefined
  /** What is wanted in one piece has begun in these. */
  #held: Buffer[] = []
  #heldBytes = 0
  #pax: Record<string, string> | undefined
  #globalPax: Record<string, string> = {}
  #longName: string | undefined
  #longLink: string | undefined

  constructor(limits: TarLimits, visit: MemberVisitor) {
    this.#limits = limits
    this.#visit = visit
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
    if (this.#bytes === 0) throw damaged('it is empty')
    if (this.#body + this.#padding + this.#heldBytes > 0 || this.#extension !== undefined) throw cutOff()
  }

  abort(): void {
    this.#endBody(false)
  }

  #endBody(isWhole: boolean): void {
    const sink = this.#sink
    this.#sink = undefined
    sink?.end(isWhole)
  }

  /** Collects a header or the records of an extension; returns how many bytes were taken. */
  #gather(chunk: Buffer, at: number): number {
    const wanted = this.#extension === undefined ? BLOCK : padded(this.#extension.size)
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
    if (this.#extension === undefined) this.#onHeader(whole)
    else this.#onExtension(this.#extension, whole.subarray(0, this.#extension.size))
    return count
  }

  #onHeader(block: Buffer): void {
    const raw = decodeHeader(block)
    if (raw === undefined) return
    if (typeof raw === 'string') throw damaged(raw)
    if (EXTENSIONS.includes(raw.flag)) {
      if (!(raw.size >= 0 && raw.size <= EXTENSION_LIMIT)) throw damaged('a header is longer than allowed')
      if (raw.size === 0) this.#onExtension(raw, Buffer.alloc(0))
      else this.#extension = raw
      return
    }
    this.#onMember(raw)
  }

  #onExtension({ flag }: RawHeader, records: Buffer): void {
    this.#extension = undefined
    if (flag === 'g') this.#globalPax = decodePax(records)
    else if (flag === 'x') this.#pax = { ...this.#globalPax, ...decodePax(records) }
    else if (flag === 'K') this.#longLink = textAt(records, 0, records.length)
    else this.#longName = textAt(records, 0, records.length)
  }

  #onMember(raw: RawHeader): void {
    this.#entries += 1
    if (this.#entries > this.#limits.entries)
      throw damaged(`it has more than ${this.#limits.entries} members`)
    const pax = this.#pax
    const name = pax?.path ?? this.#longName ?? raw.name
    const linkname = pax?.linkpath ?? this.#longLink ?? raw.linkname
    const size = pax?.size === undefined ? raw.size : Number.parseInt(pax.size, 10)
    this.#pax = undefined
    this.#longName = undefined
    this.#longLink = undefined
    if (!Number.isSafeInteger(size) || size < 0) throw damaged('a member has a size that is no number')
    const type = TYPES[raw.flag] ?? null
    // A directory has no body, whatever size it claims.
    this.#body = type === 'directory' ? 0 : size
    this.#padding = padded(this.#body) - this.#body
    const { mode, uid, gid } = raw
    const mtime = new Date(raw.mtime * 1000)
    const sink = this.#visit(toHeader({ name, linkname, size: this.#body, type, mode, uid, gid, mtime, pax }))
    this.#sink = sink
    if (this.#body === 0) this.#endBody(true)
  }
}

function padded(size: number): number {
  return Math.ceil(size / BLOCK) * BLOCK
}

function cutOff() {
  return damaged('it ends in the middle of a member')
}
