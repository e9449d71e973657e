// SPDX-License-Identifier: Apache-2.0
// The one place that takes foreign tar archives apart, whoever brings the bytes. Whatever they are, the result is a
// sequence of members within limits or one IMAGE_INVALID; nothing is ever extracted.
import { PycdsError } from '../errors/index.js'
import type { TarHeader } from './entry.js'
import { BLOCK, decodeHeader, decodePax, type RawHeader, textAt } from './header.js'

/** Bounds against archives made to exhaust the reader. */
export interface TarLimits {
  /** Members in the whole archive. */
  readonly entries: number
  /** Bytes of one body that is read into memory; skipped bodies may be of any size. */
  readonly bodyBytes: number
}

export const DEFAULT_LIMITS: TarLimits = { entries: 2_000_000, bodyBytes: 512 * 1024 * 1024 }

/** What is said of an archive that nobody has a name for. */
const ANY = 'tar archive'
const EXTENSION_LIMIT = 4 * 1024 * 1024
/** Type flags of members that tell of the next one. */
const EXTENSIONS = 'xgLKN'
/** Those of members without a body: the size that some of them claim is that of the file behind them. */
const BODILESS = '123456'
/** How archives hold this extended attribute of a file. */
const CAPABILITIES = 'SCHILY.xattr.security.capability'

type Records = Readonly<Record<string, string>>

/** Makes members of headers. It wants a number of bytes in one piece, and is given them until it has a member. */
export class MemberDecoder {
  readonly #limits: TarLimits
  readonly #subject: string
  #entries = 0
  /** The header of an extension whose records are awaited. */
  #extension: RawHeader | undefined
  #pax: Records = {}
  #longName: string | undefined
  #longLink: string | undefined

  /** @param subject what the archive is, as it starts an error message */
  constructor(limits: TarLimits, subject = ANY) {
    this.#limits = limits
    this.#subject = subject
  }

  /** Bytes. */
  get wanted(): number {
    return this.#extension === undefined ? BLOCK : padded(this.#extension.size)
  }

  /** Whether the archive may end here. */
  get isBetween(): boolean {
    return this.#extension === undefined
  }

  /** Takes what was wanted; returns a member when that completes its header: its body and padding follow. */
  take(bytes: Buffer): TarHeader | undefined {
    const extension = this.#extension
    if (extension !== undefined) {
      this.#onExtension(extension, bytes.subarray(0, extension.size))
      return undefined
    }
    const raw = decodeHeader(bytes)
    if (raw === undefined) return undefined
    if (typeof raw === 'string') throw this.#damaged(raw)
    if (!EXTENSIONS.includes(raw.flag)) return this.#toMember(raw)
    if (!(raw.size >= 0 && raw.size <= EXTENSION_LIMIT))
      throw this.#damaged('a header is longer than allowed')
    if (raw.size === 0) this.#onExtension(raw, Buffer.alloc(0))
    else this.#extension = raw
    return undefined
  }

  #damaged(reason: string): PycdsError {
    return damaged(reason, undefined, this.#subject)
  }

  #onExtension({ flag }: RawHeader, records: Buffer): void {
    this.#extension = undefined
    // Records for all members are left out, as engines do: what is seen here has to be what they unpack.
    if (flag === 'g') return
    if (flag === 'x') this.#pax = decodePax(records)
    else if (flag === 'K') this.#longLink = textAt(records, 0, records.length)
    else this.#longName = textAt(records, 0, records.length)
  }

  #toMember(raw: RawHeader): TarHeader {
    this.#entries += 1
    if (this.#entries > this.#limits.entries)
      throw this.#damaged(`it has more than ${this.#limits.entries} members`)
    const pax = this.#pax
    const name = pax.path ?? this.#longName ?? raw.name
    const linkname = pax.linkpath ?? this.#longLink ?? raw.linkname
    const claimed = pax.size === undefined ? raw.size : Number.parseInt(pax.size, 10)
    this.#pax = {}
    this.#longName = undefined
    this.#longLink = undefined
    if (!Number.isSafeInteger(claimed) || claimed < 0) {
      throw this.#damaged('a member has a size that is no number')
    }
    const size = BODILESS.includes(raw.flag) ? 0 : claimed
    return toHeader({ ...raw, name, linkname, size }, pax)
  }
}

/** The bytes that a body of so many bytes takes in an archive. */
export function padded(size: number): number {
  return Math.ceil(size / BLOCK) * BLOCK
}

function toHeader(raw: RawHeader, pax: Records): TarHeader {
  // Before there was a flag for directories they were known by their name.
  const isOldDirectory = isFile(raw.flag) && raw.size === 0 && raw.name.endsWith('/')
  const type = isOldDirectory ? 'directory' : typeOf(raw.flag)
  const isLink = type === 'symlink' || type === 'link'
  const sparse = sparseOf(pax)
  return {
    name: (pax['GNU.sparse.name'] ?? raw.name)
      .replace(/^(?:\.?\/)+/, '')
      .replace(/\/+$/, '')
      .replace(/^\.$/, ''),
    type,
    mode: raw.mode & 0o7777,
    uid: numberOf(pax.uid) ?? raw.uid,
    gid: numberOf(pax.gid) ?? raw.gid,
    mtime: timeOf(pax.mtime) ?? new Date(raw.mtime * 1000),
    size: raw.size,
    ...(pax[CAPABILITIES] === undefined ? {} : { isCapable: true as const }),
    ...(isLink ? { linkname: raw.linkname } : {}),
    ...(type === 'other' ? { other: otherOf(raw.flag) } : {}),
    ...(sparse === undefined ? {} : { sparse }),
  }
}

/** What is contiguous elsewhere is a file like others here. */
function isFile(flag: string): boolean {
  return flag === '0' || flag === '7'
}

function typeOf(flag: string): TarHeader['type'] {
  if (isFile(flag)) return 'file'
  if (flag === '1') return 'link'
  if (flag === '2') return 'symlink'
  return flag === '5' ? 'directory' : 'other'
}

function otherOf(flag: string): NonNullable<TarHeader['other']> {
  if (flag === '3' || flag === '4') return 'device'
  return flag === '6' ? 'fifo' : 'unknown'
}

function sparseOf(pax: Records): TarHeader['sparse'] {
  const keys = Object.keys(pax).filter((key) => key.startsWith('GNU.sparse.'))
  if (keys.length === 0) return undefined
  // The first two versions do not name themselves.
  const early = pax['GNU.sparse.map'] === undefined ? 0 : 1
  const version = `${pax['GNU.sparse.major'] ?? 0}.${pax['GNU.sparse.minor'] ?? early}`
  return { version, realSize: numberOf(pax['GNU.sparse.realsize'] ?? pax['GNU.sparse.size']) ?? 0 }
}

function numberOf(text: string | undefined): number | undefined {
  return text !== undefined && /^[0-9]{1,15}$/.test(text) ? Number(text) : undefined
}

function timeOf(text: string | undefined): Date | undefined {
  return text !== undefined && /^-?[0-9]{1,12}(\.[0-9]*)?$/.test(text)
    ? new Date(Number(text) * 1000)
    : undefined
}

/** An archive that cannot be read to its end. */
export function damaged(reason: string, cause?: unknown, subject = ANY): PycdsError {
  return new PycdsError('IMAGE_INVALID', {
    message: `${subject}: ${reason}`,
    hint: 'The data is damaged or was cut off on the way; build or pull the image again.',
    cause,
  })
}

/** The error of an archive whose bytes have come to an end. */
export function cutOff(cause?: unknown, subject?: string): PycdsError {
  return damaged('it ends in the middle of a member', cause, subject)
}

/** What went wrong while the bytes came: a source that was closed early is one that ended too early. */
export function sourceFailure(error: unknown, subject?: string): unknown {
  return (error as NodeJS.ErrnoException).code === 'ERR_STREAM_PREMATURE_CLOSE'
    ? cutOff(error, subject)
    : error
}
