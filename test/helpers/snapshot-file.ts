// SPDX-License-Identifier: Apache-2.0
// Where native/snapshot/format.h keeps what tests forge, and the checksum that makes it believable.
import { hash64 } from './seal.js'

const META_SIZE_AT = 12
export const FILE_SIZE_AT = 16
const META_HASH_AT = 24
export const AT = {
  magic: 0,
  format: 8,
  hexversion: 40,
  machine: 44,
  libc: 46,
  rsp: 112,
  rip: 120,
  mxcsr: 128,
  fsBase: 136,
  tid: 144,
  rseq: 176,
  vdso: 216,
  firstAction: 248,
  cpu: 408,
  xcr0: 456,
  configuration: 480,
  environment: 488,
  modules: 496,
  objects: 504,
  search: 512,
} as const
const LISTS = {
  regions: 544,
  files: 552,
  stamps: 560,
  symbols: 568,
  vdso: 576,
  strings: 584,
  warm: 592,
  programs: 600,
  ahead: 608,
  folders: 616,
} as const
const SIZES = {
  regions: 32,
  files: 24,
  stamps: 24,
  symbols: 8,
  vdso: 1,
  strings: 1,
  warm: 16,
  programs: 16,
  ahead: 8,
  folders: 4,
} as const
export type List = keyof typeof LISTS

export interface Region {
  /** Its own place in the file. */
  at: number
  address: bigint
  bytes: bigint
  offset: bigint
  kind: number
  protection: number
}

/** How many bytes at the start of the file the checksum covers. */
export const metaBytes = (file: Buffer) => file.readUInt32LE(META_SIZE_AT)

/** Where the elements of a list are. */
export function placesOf(file: Buffer, list: List): number[] {
  const offset = file.readUInt32LE(LISTS[list])
  return Array.from({ length: file.readUInt32LE(LISTS[list] + 4) }, (_, i) => offset + i * SIZES[list])
}

export const listAt = (list: List) => LISTS[list]

export function regionsOf(file: Buffer): Region[] {
  return placesOf(file, 'regions').map((at) => ({
    at,
    address: file.readBigUInt64LE(at),
    bytes: file.readBigUInt64LE(at + 8),
    offset: file.readBigUInt64LE(at + 16),
    kind: file.readUInt8(at + 24),
    protection: file.readUInt8(at + 25),
  }))
}

/** Makes the checksum right, whatever the meta part says otherwise; changes it in place. */
export function sealSnapshot(file: Buffer): Buffer {
  const parts = Buffer.alloc(16)
  parts.writeBigUInt64LE(hash64(file.subarray(0, META_HASH_AT)), 0)
  const end = Math.min(metaBytes(file), file.length)
  parts.writeBigUInt64LE(hash64(file.subarray(META_HASH_AT + 8, end)), 8)
  file.writeBigUInt64LE(hash64(parts), META_HASH_AT)
  return file
}
