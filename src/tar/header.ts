// SPDX-License-Identifier: Apache-2.0
// The blocks in front of members, as POSIX ustar and GNU tar write them.

/** What one block says; extension records that come before it may say otherwise. */
export interface RawHeader {
  name: string
  /** The type flag as a character; NUL is given as `0`. */
  readonly flag: string
  readonly mode: number
  readonly uid: number
  readonly gid: number
  /** Bytes; NaN or negative when damaged. */
  size: number
  /** Seconds since 1970. */
  readonly mtime: number
  linkname: string
}

export const BLOCK = 512
const MAGIC_AT = 257
const USTAR = 'ustar\0'
const GNU = 'ustar  '
const SPACE = 0x20
/** Of what a Date can be, in both directions. */
const LAST_SECOND = 8.64e12

/** Decodes a block; undefined for one of zeros, a reason in place of a header for one that is none. */
export function decodeHeader(block: Buffer): RawHeader | undefined | string {
  const sum = checksum(block)
  if (sum === 8 * SPACE) return undefined
  if (sum !== numberAt(block, 148, 8)) return 'a header does not have the checksum that it says'
  const magic = block.toString('latin1', MAGIC_AT, MAGIC_AT + 7)
  const isUstar = magic.startsWith(USTAR)
  if (!isUstar && magic !== GNU) return 'a header is of an unknown format'
  const base = textAt(block, 0, 100)
  const name = isUstar && block[345] !== 0 ? `${textAt(block, 345, 155)}/${base}` : base
  const flag = block[156] === 0 ? '0' : String.fromCharCode(block[156] ?? 0)
  const mode = numberAt(block, 100, 8)
  const uid = numberAt(block, 108, 8)
  const gid = numberAt(block, 116, 8)
  const mtime = numberAt(block, 136, 12)
  const isOwned = [mode, uid, gid].every((value) => Number.isSafeInteger(value) && value >= 0)
  if (!isOwned || !(Math.abs(mtime) <= LAST_SECOND)) return 'a header has a number that cannot be'
  return {
    name,
    flag,
    mode,
    uid,
    gid,
    size: numberAt(block, 124, 12),
    mtime,
    linkname: textAt(block, 157, 100),
  }
}

/** The records of a pax extension; what follows a damaged one is left out. */
export function decodePax(bytes: Buffer): Record<string, string> {
  const records: Record<string, string> = {}
  let at = 0
  while (at < bytes.length) {
    const space = bytes.indexOf(SPACE, at)
    if (space < 0) return records
    const length = Number.parseInt(bytes.toString('latin1', at, space), 10)
    if (!(length > space - at) || at + length > bytes.length) return records
    const record = bytes.toString('utf8', space + 1, at + length - 1)
    const equals = record.indexOf('=')
    if (equals < 0) return records
    records[record.slice(0, equals)] = record.slice(equals + 1)
    at += length
  }
  return records
}

/** A text that a NUL or the end of its field ends. */
export function textAt(bytes: Buffer, start: number, length: number): string {
  const nul = bytes.indexOf(0, start)
  return bytes.toString('utf8', start, nul < 0 || nul > start + length ? start + length : nul)
}

/** The sum of all bytes, those of the checksum itself as spaces. */
function checksum(block: Buffer): number {
  let sum = 8 * SPACE
  for (let i = 0; i < 148; i += 1) sum += block[i] as number
  for (let i = 156; i < BLOCK; i += 1) sum += block[i] as number
  return sum
}

/** Octal digits, or big-endian in two's complement where the first bit is set. Nothing is 0; what is no number is NaN. */
function numberAt(block: Buffer, start: number, length: number): number {
  const first = block[start] as number
  if (first === 0x80 || first === 0xff) return binaryAt(block, start + 1, start + length, first === 0xff)
  const text = block.toString('latin1', start, start + length).replace(/^[ \0]+/, '')
  const digits = /^[^ \0]*/.exec(text)?.[0] ?? ''
  if (digits.startsWith('-')) return Number.NaN
  return digits === '' ? 0 : Number.parseInt(digits, 8)
}

function binaryAt(block: Buffer, start: number, end: number, isNegative: boolean): number {
  let value = 0
  for (let at = start; at < end; at += 1) {
    const byte = block[at] as number
    value = value * 256 + (isNegative ? 255 - byte : byte)
  }
  return isNegative ? -value - 1 : value
}
