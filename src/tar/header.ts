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
  return {
    name,
    // Before there was a flag for directories they were known by their name.
    flag: flag === '0' && name.endsWith('/') ? '5' : flag,
    mode: numberAt(block, 100, 8),
    uid: numberAt(block, 108, 8),
    gid: numberAt(block, 116, 8),
    size: numberAt(block, 124, 12),
    mtime: numberAt(block, 136, 12),
    linkname: textAt(block, 157, 100),
  }
}

/** The records of a pax extension; what follows a damaged one is left out. */
export function decodePax(bytes: Buffer): Record<string, string> {
  const records: Record<string, string> = {}
  let at = 0
  while (at < bytes.length) {
    const space = bytes.indexOf(SPACE, at)
    const length = space < 0 ? 0 : Number.parseInt(bytes.toString('latin1', at, space), 10)
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

/** Octal digits, or big-endian binary where the first bit is set. Nothing is 0; what is no number is NaN. */
function numberAt(block: Buffer, start: number, length: number): number {
  const first = block[start] as number
  if (first === 0x80) return block.readUIntBE(start + length - 6, 6) + upperOf(block, start + 1, length - 7)
  if (first === 0xff) return block.readIntBE(start + length - 6, 6)
  let value = 0
  let at = start
  const end = start + length
  while (at < end && (block[at] === SPACE || block[at] === 0)) at += 1
  for (; at < end; at += 1) {
    const digit = (block[at] as number) - 0x30
    if (digit >= 0 && digit < 8) value = value * 8 + digit
    else if (block[at] === SPACE || block[at] === 0) break
    else return Number.NaN
  }
  return value
}

/** Infinity when any of the bytes above the last six is set: no such number is meant. */
function upperOf(block: Buffer, start: number, count: number): number {
  for (let i = 0; i < count; i += 1) if (block[start + i] !== 0) return Number.POSITIVE_INFINITY
  return 0
}
