// SPDX-License-Identifier: Apache-2.0
// The one place that takes foreign tar archives apart. Whatever the bytes are, the result
// is a sequence of members within limits or one IMAGE_INVALID; nothing is ever extracted.
import { Readable } from 'node:stream'
import { type Extract, extract, type Header } from 'tar-stream'
import { PycdsError } from '../errors/index.js'
import type { TarHeader } from './entry.js'

/** Bounds against archives made to exhaust the reader. */
export interface TarLimits {
  /** Members in the whole archive. */
  readonly entries: number
  /** Bytes of one body that is read into memory; skipped bodies may be of any size. */
  readonly bodyBytes: number
}

/** How archives hold this extended attribute of a file. */
const CAPABILITIES = 'SCHILY.xattr.security.capability'

export const DEFAULT_LIMITS: TarLimits = { entries: 2_000_000, bodyBytes: 512 * 1024 * 1024 }

/** A member's body as it comes out of the archive. */
export type Entry = Extract extends AsyncIterable<infer Source> ? Source : never

/** A header with its extension records applied where names and sizes are concerned. */
export interface DecodedHeader {
  name: string
  type?: Header['type'] | null | undefined
  mode: number
  uid: number
  gid: number
  /** Bytes. */
  size: number
  mtime: Date
  linkname?: string | null | undefined
  pax?: unknown
}

/** Sees one member; `'stop'` ends the walk early. */
export type EntryVisitor = (header: TarHeader, body: Entry) => Promise<'stop' | undefined>

/**
 * Goes through a tar member by member, skipping what the visitor leaves of a body. The source is always
 * destroyed at the end. Errors of the source and of the visitor pass through; anything wrong with the bytes
 * is IMAGE_INVALID.
 */
export async function walkTar(
  source: Readable | Buffer,
  limits: TarLimits,
  visit: EntryVisitor,
): Promise<void> {
  const input = Buffer.isBuffer(source) ? Readable.from([source], { objectMode: false }) : source
  const parser = extract()
  const feed = connect(input, parser)
  try {
    let entries = 0
    for await (const entry of parser) {
      entries += 1
      if (entries > limits.entries) throw damaged(`it has more than ${limits.entries} members`)
      // The library lets a size pass that is no number, and waits for the end of such a body for ever.
      if (!Number.isSafeInteger(entry.header.size)) throw damaged('a member has a size that is no number')
      // A directory has no body, whatever size it claims; the library would wait for one without end.
      if (entry.header.type === 'directory') entry.header.size = 0
      if (
        (await visit(
          toHeader({ ...entry.header, mtime: ownTimeOf(entry.header) } as DecodedHeader),
          entry,
        )) === 'stop'
      )
        return
      entry.resume()
    }
    if (feed.bytes === 0) throw damaged('it is empty')
  } catch (error) {
    if (error instanceof PycdsError) throw error
    if (feed.sourceError !== undefined) throw feed.sourceError
    if (feed.parserError !== undefined) throw damaged(reasonOf(feed.parserError), feed.parserError)
    throw error
  } finally {
    input.destroy()
  }
}

interface Feed {
  bytes: number
  sourceError?: Error
  parserError?: Error
}

function connect(input: Readable, parser: Extract): Feed {
  const feed: Feed = { bytes: 0 }
  input.on('data', (chunk: Buffer) => {
    feed.bytes += chunk.length
  })
  input.on('error', (error) => {
    feed.sourceError = error
    parser.destroy(error)
  })
  input.on('close', () => {
    if (!input.readableEnded) parser.destroy(new Error('the stream was closed'))
  })
  parser.on('error', (error) => {
    feed.parserError ??= error
  })
  // The library's streams behave as Node's do, though their types are not related.
  input.pipe(parser as unknown as NodeJS.WritableStream)
  return feed
}

/** What a library or this project decoded, as the project knows members. */
export function toHeader(header: DecodedHeader): TarHeader {
  const pax = (header.pax ?? {}) as Readonly<Record<string, string>>
  // Before there was a flag for directories they were known by their name.
  const isOldDirectory = header.type === 'file' && header.size === 0 && header.name.endsWith('/')
  const type = isOldDirectory ? 'directory' : typeOf(header.type)
  const isLink = type === 'symlink' || type === 'link'
  const sparse = sparseOf(pax)
  return {
    name: (pax['GNU.sparse.name'] ?? header.name)
      .replace(/^(?:\.?\/)+/, '')
      .replace(/\/+$/, '')
      .replace(/^\.$/, ''),
    type,
    mode: header.mode & 0o7777,
    // The library hands out these records but applies only names and sizes.
    uid: numberOf(pax.uid) ?? header.uid,
    gid: numberOf(pax.gid) ?? header.gid,
    mtime: timeOf(pax.mtime) ?? header.mtime,
    size: header.size,
    ...(pax[CAPABILITIES] === undefined ? {} : { isCapable: true as const }),
    ...(isLink ? { linkname: header.linkname ?? '' } : {}),
    ...(type === 'other' ? { other: otherOf(header.type) } : {}),
    ...(sparse === undefined ? {} : { sparse }),
  }
}

function otherOf(type: DecodedHeader['type']): NonNullable<TarHeader['other']> {
  if (type === 'character-device' || type === 'block-device') return 'device'
  return type === 'fifo' ? 'fifo' : 'unknown'
}

function sparseOf(pax: Readonly<Record<string, string>>): TarHeader['sparse'] {
  const keys = Object.keys(pax).filter((key) => key.startsWith('GNU.sparse.'))
  if (keys.length === 0) return undefined
  // The first two versions do not name themselves.
  const early = pax['GNU.sparse.map'] === undefined ? 0 : 1
  const version = `${pax['GNU.sparse.major'] ?? 0}.${pax['GNU.sparse.minor'] ?? early}`
  return { version, realSize: numberOf(pax['GNU.sparse.realsize'] ?? pax['GNU.sparse.size']) ?? 0 }
}

function typeOf(type: DecodedHeader['type']): TarHeader['type'] {
  switch (type) {
    case 'file':
    case 'contiguous-file':
      return 'file'
    case 'directory':
    case 'symlink':
    case 'link':
      return type
    default:
      return 'other'
  }
}

function numberOf(text: string | undefined): number | undefined {
  return text !== undefined && /^[0-9]{1,15}$/.test(text) ? Number(text) : undefined
}

function timeOf(text: string | undefined): Date | undefined {
  return text !== undefined && /^-?[0-9]{1,12}(\.[0-9]*)?$/.test(text)
    ? new Date(Number(text) * 1000)
    : undefined
}

/** The library reads negative numbers, which GNU tar writes in binary, as one's complement. */
function ownTimeOf({ mtime = new Date(0) }: Header): Date {
  return mtime.getTime() < 0 ? new Date(mtime.getTime() - 1000) : mtime
}

/** An archive that cannot be read to its end. */
export function damaged(reason: string, cause?: unknown): PycdsError {
  return new PycdsError('IMAGE_INVALID', {
    message: `tar archive: ${reason}`,
    hint: 'The data is damaged or was cut off on the way; build or pull the image again.',
    cause,
  })
}

function reasonOf(error: Error): string {
  return /unexpected end|closed/i.test(error.message) ? 'it ends in the middle of a member' : error.message
}
