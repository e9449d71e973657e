// SPDX-License-Identifier: Apache-2.0
// The files and symlinks of a tree. An image may have a million, and as objects in maps they would need more memory
// than everything else that a bake does. So there is one table of numbers for all directories: records, the texts of
// their names, and a hash index by directory and name.
import { randomBytes } from 'node:crypto'
import type { TreeNode } from './node.js'

/** Records come in so many at a time, and texts in so many bytes: what has been written is never moved. */
const SEGMENT_RECORDS = 2 ** 12
const SEGMENT_BYTES = 2 ** 16
const NAME_BYTES_LIMIT = 255

/** The fields of a record that are small numbers: its directory, where its name is, the next one of the directory. */
const FIELDS = 4
const DIRECTORY = 0
const NAME = 1
const NEXT = 2
/** What it has in common with others; none where it was removed, and its record waits for one of the same name. */
const COMMON = 3
/** Those that are not: its time in milliseconds, its size in bytes. */
const NUMBERS = 2
const MTIME = 0
const SIZE = 1

/** No record, and no common attributes: both are counted from 1. */
const NONE = 0
/** The index has at least so many slots for each record. */
const SLOTS_PER_RECORD = 1.5
const FIRST_SLOTS = 1024

/** What few are alone in. */
type Common = Pick<TreeNode, 'type' | 'mode' | 'uid' | 'gid' | 'isCapable' | 'layer'>

interface Segment {
  readonly fields: Uint32Array
  readonly numbers: Float64Array
}

export class LeafTable {
  /** The newest record of each directory. */
  readonly #newest: number[] = []
  /** How many there are in each that were not removed. */
  readonly #sizes: number[] = []
  readonly #segments: Segment[] = []
  #records = 0
  readonly #texts: Buffer[] = []
  #textBytes = 0
  readonly #common: Common[] = []
  readonly #commonByKey = new Map<string, number>()
  /** Where symlinks point, by record. */
  readonly #targets = new Map<number, string>()
  #slots = new Uint32Array(FIRST_SLOTS)
  /** Nobody who makes an image can know which names meet in the index. */
  readonly #seed = randomBytes(4).readUInt32LE()
  /** The name that is looked for, and one byte more than is allowed. */
  readonly #wanted = Buffer.alloc(NAME_BYTES_LIMIT + 4)

  /** A number for a directory that has nothing in it yet. */
  addDirectory(): number {
    this.#sizes.push(0)
    return this.#newest.push(NONE) - 1
  }

  sizeOf(directory: number): number {
    return this.#sizes[directory] ?? 0
  }

  get(directory: number, name: string): TreeNode | undefined {
    const record = this.#find(directory, this.#want(name))
    return record === NONE ? undefined : this.#leafOf(record)
  }

  /** Takes the attributes of a node that is no directory. */
  set(directory: number, name: string, node: TreeNode): void {
    const length = this.#want(name)
    if (length > NAME_BYTES_LIMIT) throw new RangeError('a name is longer than any system allows')
    let record = this.#find(directory, length)
    if (record === NONE) record = this.#add(directory, length)
    const { fields, numbers } = this.#segmentOf(record)
    if (fields[at(record, FIELDS) + COMMON] === NONE) this.#sizes[directory] = this.sizeOf(directory) + 1
    fields[at(record, FIELDS) + COMMON] = this.#commonOf(node)
    numbers[at(record, NUMBERS) + MTIME] = node.mtime.getTime()
    numbers[at(record, NUMBERS) + SIZE] = node.size
    // What is cut out of a longer text would keep all of that in memory.
    if (node.linkname !== undefined) this.#targets.set(record, Buffer.from(node.linkname).toString())
    else this.#targets.delete(record)
  }

  /** Returns whether there was one. */
  delete(directory: number, name: string): boolean {
    const record = this.#find(directory, this.#want(name))
    if (record === NONE || this.#field(record, COMMON) === NONE) return false
    this.#segmentOf(record).fields[at(record, FIELDS) + COMMON] = NONE
    this.#sizes[directory] = this.sizeOf(directory) - 1
    this.#targets.delete(record)
    return true
  }

  *in(directory: number): Generator<[string, TreeNode]> {
    for (let record = this.#newest[directory] ?? NONE; record !== NONE; record = this.#field(record, NEXT)) {
      const leaf = this.#leafOf(record)
      if (leaf !== undefined) yield [this.#nameOf(record).toString(), leaf]
    }
  }

  /** Undefined where it was removed. */
  #leafOf(record: number): TreeNode | undefined {
    const common = this.#common[this.#field(record, COMMON) - 1]
    if (common === undefined) return undefined
    const { numbers } = this.#segmentOf(record)
    const mtime = new Date(numbers[at(record, NUMBERS) + MTIME] as number)
    const size = numbers[at(record, NUMBERS) + SIZE] as number
    const linkname = common.type === 'symlink' ? this.#targets.get(record) : undefined
    // Field by field, which is ten times as fast as to spread what they have in common.
    const { type, mode, uid, gid, isCapable, layer } = common
    return { type, mode, uid, gid, mtime, size, linkname, isCapable, layer }
  }

  #commonOf({ type, mode, uid, gid, isCapable, layer }: TreeNode): number {
    const key = `${type} ${mode} ${uid} ${gid} ${isCapable} ${layer}`
    const known = this.#commonByKey.get(key)
    if (known !== undefined) return known
    const added = this.#common.push({ type, mode, uid, gid, isCapable, layer })
    this.#commonByKey.set(key, added)
    return added
  }

  /** Makes a record for the name that is wanted. */
  #add(directory: number, length: number): number {
    if (this.#records % SEGMENT_RECORDS === 0) {
      this.#segments.push({
        fields: new Uint32Array(SEGMENT_RECORDS * FIELDS),
        numbers: new Float64Array(SEGMENT_RECORDS * NUMBERS),
      })
    }
    this.#records += 1
    const record = this.#records
    const { fields } = this.#segmentOf(record)
    fields[at(record, FIELDS) + DIRECTORY] = directory
    fields[at(record, FIELDS) + NAME] = this.#addText(length)
    fields[at(record, FIELDS) + NEXT] = this.#newest[directory] ?? NONE
    this.#newest[directory] = record
    if (this.#records * SLOTS_PER_RECORD > this.#slots.length) this.#growIndex()
    else this.#slots[this.#slotOf(directory, this.#wanted, length)] = record
    return record
  }

  /** Keeps the name that is wanted, its length in front of it; returns where it is. */
  #addText(length: number): number {
    const room = this.#texts.length * SEGMENT_BYTES - this.#textBytes
    if (length + 1 > room) {
      this.#textBytes = this.#texts.length * SEGMENT_BYTES
      this.#texts.push(Buffer.alloc(SEGMENT_BYTES))
    }
    const start = this.#textBytes
    const text = this.#texts[Math.floor(start / SEGMENT_BYTES)] as Buffer
    text[start % SEGMENT_BYTES] = length
    this.#wanted.copy(text, (start % SEGMENT_BYTES) + 1, 0, length)
    this.#textBytes += length + 1
    return start
  }

  #growIndex(): void {
    this.#slots = new Uint32Array(this.#slots.length * 2)
    for (let record = 1; record <= this.#records; record += 1) {
      const name = this.#nameOf(record)
      this.#slots[this.#slotOf(this.#field(record, DIRECTORY), name, name.length)] = record
    }
  }

  /** Encodes the name that the next step looks for; returns its bytes, more than allowed where it is too long. */
  #want(name: string): number {
    return this.#wanted.write(name)
  }

  #find(directory: number, length: number): number {
    return this.#slots[this.#slotOf(directory, this.#wanted, length)] as number
  }

  /** The slot that holds a name, or where it would come. */
  #slotOf(directory: number, name: Buffer, length: number): number {
    const mask = this.#slots.length - 1
    let slot = this.#hash(directory, name, length) & mask
    for (;;) {
      const record = this.#slots[slot] as number
      if (record === NONE) return slot
      if (this.#field(record, DIRECTORY) === directory && this.#isNamed(record, name, length)) return slot
      slot = (slot + 1) & mask
    }
  }

  /** FNV-1a. */
  #hash(directory: number, name: Buffer, length: number): number {
    let hash = this.#seed ^ Math.imul(directory, 0x9e3779b1)
    for (let index = 0; index < length; index += 1) {
      hash = Math.imul(hash ^ (name[index] as number), 0x01000193)
    }
    return hash ^ (hash >>> 15)
  }

  #isNamed(record: number, name: Buffer, length: number): boolean {
    const start = this.#field(record, NAME)
    const text = this.#texts[Math.floor(start / SEGMENT_BYTES)] as Buffer
    const from = start % SEGMENT_BYTES
    if (text[from] !== length) return false
    for (let index = 0; index < length; index += 1) if (text[from + 1 + index] !== name[index]) return false
    return true
  }

  #nameOf(record: number): Buffer {
    const start = this.#field(record, NAME)
    const text = this.#texts[Math.floor(start / SEGMENT_BYTES)] as Buffer
    const from = start % SEGMENT_BYTES
    return text.subarray(from + 1, from + 1 + (text[from] as number))
  }

  #field(record: number, field: number): number {
    return this.#segmentOf(record).fields[at(record, FIELDS) + field] as number
  }

  #segmentOf(record: number): Segment {
    return this.#segments[Math.floor((record - 1) / SEGMENT_RECORDS)] as Segment
  }
}

/** Where a record begins in its segment, of so many elements each. */
function at(record: number, elements: number): number {
  return ((record - 1) % SEGMENT_RECORDS) * elements
}
