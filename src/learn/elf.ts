// SPDX-License-Identifier: Apache-2.0
// What a 64-bit little-endian ELF file exports, read without loading it.

const SHT_DYNSYM = 11
const PT_LOAD = 1
const SYMBOL_BYTES = 24

/** An opened file. */
export interface ElfSymbols {
  has(name: string): boolean
  /** The first bytes of a constant; undefined when it is not exported or not in the file. */
  read(name: string, bytes: number): Buffer | undefined
}

/** Reads the dynamic symbols of a file; undefined for anything that has none. */
export function readElfSymbols(file: Buffer): ElfSymbols | undefined {
  try {
    if (file.readUInt32BE(0) !== 0x7f454c46 || file[4] !== 2 || file[5] !== 1) return undefined
    const symbols = readSymbols(file)
    return (
      symbols && {
        has: (name) => symbols.has(name),
        read: (name, bytes) => at(file, symbols.get(name), bytes),
      }
    )
  } catch (error) {
    if (error instanceof RangeError) return undefined // an offset leads out of the file
    throw error
  }
}

/** Addresses of what is defined, by name. */
function readSymbols(file: Buffer): Map<string, number> | undefined {
  const sections = readTable(file, 0x28, 0x3a)
  const table = sections.find((section) => section.readUInt32LE(4) === SHT_DYNSYM)
  const strings = table && sections[table.readUInt32LE(0x28)]
  if (!table || !strings) return undefined
  const names = contentOf(file, strings)
  const content = contentOf(file, table)
  const found = new Map<string, number>()
  for (let offset = 0; offset + SYMBOL_BYTES <= content.length; offset += SYMBOL_BYTES) {
    const start = content.readUInt32LE(offset)
    const end = names.indexOf(0, start)
    // Section 0: it is used here and defined elsewhere.
    if (end < 0 || content.readUInt16LE(offset + 6) === 0) continue
    found.set(names.toString('latin1', start, end), Number(content.readBigUInt64LE(offset + 8)))
  }
  return found
}

function at(file: Buffer, address: number | undefined, bytes: number): Buffer | undefined {
  if (address === undefined) return undefined
  for (const segment of readTable(file, 0x20, 0x36)) {
    const [offset, start, size] = [8, 16, 32].map((field) => Number(segment.readBigUInt64LE(field)))
    if (segment.readUInt32LE(0) !== PT_LOAD || offset === undefined || start === undefined) continue
    if (address < start || address + bytes > start + (size ?? 0)) continue
    const value = file.subarray(offset + address - start, offset + address - start + bytes)
    return value.length === bytes ? value : undefined
  }
  return undefined
}

/** The entries of a table of headers, by where the file's header says where it is, and how many of what size. */
function readTable(file: Buffer, place: number, shape: number): Buffer[] {
  const offset = Number(file.readBigUInt64LE(place))
  const size = file.readUInt16LE(shape)
  const count = file.readUInt16LE(shape + 2)
  return Array.from({ length: count }, (_, index) =>
    file.subarray(offset + index * size, offset + (index + 1) * size),
  )
}

function contentOf(file: Buffer, section: Buffer): Buffer {
  const offset = Number(section.readBigUInt64LE(0x18))
  return file.subarray(offset, offset + Number(section.readBigUInt64LE(0x20)))
}
