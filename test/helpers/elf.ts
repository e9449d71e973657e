// SPDX-License-Identifier: Apache-2.0
// Small ELF files, as far as they tell what they export.

const HEADER = 64
const BASE = 0x400000
const GNU_BUILD_ID = 3

export interface ElfOptions {
  /** e_machine. */
  machine?: number
  buildId?: Buffer
  /** Lies among the constants. */
  text?: string
}

/** A shared library that exports constants. */
export function elfWith(constants: Readonly<Record<string, Buffer>>, o: ElfOptions = {}): Buffer {
  const note = Buffer.alloc(12)
  const buildId = o.buildId ?? Buffer.alloc(20, 0xab)
  for (const [at, value] of [4, buildId.length, GNU_BUILD_ID].entries()) note.writeUInt32LE(value, at * 4)
  const notes = Buffer.concat([note, Buffer.from('GNU\0'), buildId])
  const names = Object.keys(constants)
  const strings = Buffer.from(`\0${names.map((name) => `${name}\0`).join('')}`)
  const data = Buffer.concat([...Object.values(constants), Buffer.from(`\0${o.text ?? ''}\0`)])
  const start = { notes: HEADER + 2 * 56 } as {
    notes: number
    data: number
    strings: number
    symbols: number
  }
  start.data = start.notes + notes.length
  start.strings = start.data + data.length
  start.symbols = start.strings + strings.length
  const symbols = Buffer.alloc(24 * (names.length + 1))
  let [name, address] = [1, BASE + start.data]
  for (const [index, [text, value]] of Object.entries(constants).entries()) {
    const at = 24 * (index + 1)
    symbols.writeUInt32LE(name, at)
    symbols.writeUInt16LE(1, at + 6)
    symbols.writeBigUInt64LE(BigInt(address), at + 8)
    name += text.length + 1
    address += value.length
  }
  const sections = start.symbols + symbols.length
  const header = Buffer.alloc(HEADER)
  header.write('\x7fELF\x02\x01\x01', 'latin1')
  header.writeUInt16LE(o.machine ?? 183, 18)
  header.writeBigUInt64LE(BigInt(HEADER), 0x20)
  header.writeBigUInt64LE(BigInt(sections), 0x28)
  for (const [at, value] of [56, 2, 64, 3].entries()) header.writeUInt16LE(value, 0x36 + 2 * at)
  return Buffer.concat([
    header,
    segment(1, 0, BASE, sections),
    segment(4, start.notes, BASE + start.notes, notes.length),
    ...[notes, data, strings, symbols],
    ...[
      section(0, 0, 0, 0),
      section(11, start.symbols, symbols.length, 2),
      section(3, start.strings, strings.length, 0),
    ],
  ])
}

function segment(type: number, offset: number, address: number, size: number): Buffer {
  const bytes = Buffer.alloc(56)
  bytes.writeUInt32LE(type, 0)
  for (const [at, value] of [offset, address, address, size, size].entries()) {
    bytes.writeBigUInt64LE(BigInt(value), 8 + 8 * at)
  }
  return bytes
}

function section(type: number, offset: number, size: number, link: number): Buffer {
  const bytes = Buffer.alloc(64)
  bytes.writeUInt32LE(type, 4)
  bytes.writeBigUInt64LE(BigInt(offset), 0x18)
  bytes.writeBigUInt64LE(BigInt(size), 0x20)
  bytes.writeUInt32LE(link, 0x28)
  return bytes
}
