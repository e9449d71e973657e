// SPDX-License-Identifier: Apache-2.0
// The checksums of an archive, for tests that forge one: what is refused then is refused for what it says.
import { sectionOf } from './sections.js'

const RECORDS = 2
const RECORD_BYTES = 56
const HEADER_BYTES = 128
const HEADER_SIZE_AT = 12
const HEADER_HASH_AT = 24
const SECTION_COUNT_AT = 44
const SECTION_BYTES = 32

const P1 = 0x9e3779b185ebca87n
const P2 = 0xc2b2ae3d27d4eb4fn
const P3 = 0x165667b19e3779f9n
const P4 = 0x85ebca77c2b2ae63n
const P5 = 0x27d4eb2f165667c5n

const u64 = (value: bigint) => BigInt.asUintN(64, value)
const rotate = (value: bigint, bits: bigint) => u64((value << bits) | (u64(value) >> (64n - bits)))
const round = (sum: bigint, word: bigint) => u64(rotate(u64(sum + word * P2), 31n) * P1)
const merge = (hash: bigint, lane: bigint) => u64((hash ^ round(0n, lane)) * P1 + P4)

/** XXH64 with seed 0, as its public specification has it. */
export function hash64(bytes: Buffer): bigint {
  let at = 0
  let hash = P5
  if (bytes.length >= 32) {
    const lanes = [u64(P1 + P2), P2, 0n, u64(-P1)]
    for (; bytes.length - at >= 32; at += 32)
      for (const [i, lane] of lanes.entries()) lanes[i] = round(lane, bytes.readBigUInt64LE(at + 8 * i))
    const [a = 0n, b = 0n, c = 0n, d = 0n] = lanes
    hash = u64(rotate(a, 1n) + rotate(b, 7n) + rotate(c, 12n) + rotate(d, 18n))
    for (const lane of lanes) hash = merge(hash, lane)
  }
  hash = u64(hash + BigInt(bytes.length))
  for (; bytes.length - at >= 8; at += 8)
    hash = u64(rotate(hash ^ round(0n, bytes.readBigUInt64LE(at)), 27n) * P1 + P4)
  if (bytes.length - at >= 4) {
    hash = u64(rotate(hash ^ u64(BigInt(bytes.readUInt32LE(at)) * P1), 23n) * P2 + P3)
    at += 4
  }
  for (; at < bytes.length; at++) hash = u64(rotate(hash ^ u64(BigInt(bytes[at] ?? 0) * P5), 11n) * P1)
  hash = u64((hash ^ (hash >> 33n)) * P2)
  hash = u64((hash ^ (hash >> 29n)) * P3)
  return hash ^ (hash >> 32n)
}

/** pycds_block_hash of native/format/hash.c. */
function hashBlock(bytes: Buffer): bigint {
  const sums = [P1, P2, P3, P4, P5, P1 ^ P2, P2 ^ P3, P3 ^ P4]
  const keys = sums.map((_, i) => u64(P2 * BigInt(2 * i + 1)))
  const stripes = Math.floor(bytes.length / 64) + 1
  const padded = Buffer.concat([bytes], stripes * 64)
  for (let at = 0; at < padded.length; at += 8) {
    const i = (at / 8) % 8
    const word = padded.readBigUInt64LE(at)
    const keyed = word ^ (keys[i] ?? 0n)
    sums[i] = u64((sums[i] ?? 0n) + (keyed & 0xffffffffn) * (keyed >> 32n))
    sums[i ^ 1] = u64((sums[i ^ 1] ?? 0n) + word)
    keys[i] = u64((keys[i] ?? 0n) + P1)
  }
  const last = Buffer.alloc(72)
  for (const [i, sum] of [...sums, BigInt(bytes.length)].entries()) last.writeBigUInt64LE(sum, 8 * i)
  return hash64(last)
}

/** A record of an archive, as struct pycds_record of native/format/format.h. */
export interface UnitRecord {
  /** Its own file offset. */
  at: number
  block: number
  sharedBytes: number
  unitBytes: number
}

export function recordsOf(archive: Buffer): UnitRecord[] {
  const section = sectionOf(archive, RECORDS)
  return Array.from({ length: (section?.bytes ?? 0) / RECORD_BYTES }, (_, i) => {
    const at = (section?.offset ?? 0) + i * RECORD_BYTES
    return {
      at,
      block: Number(archive.readBigUInt64LE(at + 16)),
      sharedBytes: archive.readUInt32LE(at + 40),
      unitBytes: archive.readUInt32LE(at + 44),
    }
  })
}

/** Makes every checksum of an archive right, whatever it says otherwise; changes it in place. */
export function seal(archive: Buffer): Buffer {
  for (const { at, block, sharedBytes, unitBytes } of recordsOf(archive)) {
    const unit = block + sharedBytes
    archive.writeBigUInt64LE(hashBlock(archive.subarray(block, unit)), at + 24)
    archive.writeBigUInt64LE(hashBlock(archive.subarray(unit, unit + unitBytes)), at + 32)
    archive.writeBigUInt64LE(hash64(archive.subarray(at + 8, at + RECORD_BYTES)), at)
  }
  for (let i = 0; i < archive.readUInt32LE(SECTION_COUNT_AT); i++) {
    const at = HEADER_BYTES + i * SECTION_BYTES
    const offset = Number(archive.readBigUInt64LE(at + 8))
    const bytes = Number(archive.readBigUInt64LE(at + 16))
    // That of the blocks is 0: each has checksums of its own.
    if (archive.readBigUInt64LE(at + 24) !== 0n)
      archive.writeBigUInt64LE(hash64(archive.subarray(offset, offset + bytes)), at + 24)
  }
  archive.writeBigUInt64LE(0n, HEADER_HASH_AT)
  const header = archive.subarray(0, archive.readUInt32LE(HEADER_SIZE_AT))
  archive.writeBigUInt64LE(hash64(header), HEADER_HASH_AT)
  return archive
}
