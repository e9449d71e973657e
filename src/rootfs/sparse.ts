// SPDX-License-Identifier: Apache-2.0
// Sparse files as GNU tar writes them in pax archives, version 1.0: the body begins with decimal numbers, one a
// line, padded to a block: how many parts there are, then offset and length of each; their content follows.
import type { FileWriter } from './files.js'

const BLOCK = 512
const MAP_LIMIT = 8 * 1024 * 1024

/** Writes the content of one sparse member as it comes; `fault` makes the error for one that cannot be right. */
export class SparseWriter {
  readonly #file: FileWriter
  readonly #realSize: number
  readonly #fault: (reason: string) => Error
  /** What has come of the list of parts. */
  #list = Buffer.alloc(0)
  #parts: [number, number][] | undefined
  #part = 0
  /** Bytes of the current part that are written. */
  #done = 0

  constructor(file: FileWriter, realSize: number, fault: (reason: string) => Error) {
    this.#file = file
    this.#realSize = realSize
    this.#fault = fault
  }

  write(chunk: Buffer): void {
    if (this.#parts !== undefined) {
      this.#writeParts(chunk)
      return
    }
    this.#list = Buffer.concat([this.#list, chunk])
    const map = readMap(this.#list, this.#realSize, this.#fault)
    if (map === undefined) {
      if (this.#list.length > MAP_LIMIT) throw this.#fault('its list of parts is too long')
      return
    }
    this.#parts = map.parts.filter(([, length]) => length > 0)
    this.#writeParts(this.#list.subarray(map.bytes))
  }

  end(): void {
    if (this.#parts === undefined || this.#part < this.#parts.length) throw this.#fault('it is cut off')
  }

  #writeParts(data: Buffer): void {
    let at = 0
    while (at < data.length) {
      const current = this.#parts?.[this.#part]
      if (current === undefined) throw this.#fault('it has more content than its list of parts says')
      const [offset, length] = current
      this.#file.skipTo(offset + this.#done)
      const piece = data.subarray(at, at + length - this.#done)
      this.#file.write(piece)
      at += piece.length
      this.#done += piece.length
      if (this.#done < length) continue
      this.#part += 1
      this.#done = 0
    }
  }
}

/** Undefined as long as the list is not complete. */
function readMap(bytes: Buffer, realSize: number, fault: (reason: string) => Error) {
  let at = 0
  const next = (): number | undefined => {
    const end = bytes.indexOf(0x0a, at)
    if (end < 0) return undefined
    const text = bytes.toString('latin1', at, end)
    if (!/^\d{1,15}$/.test(text)) throw fault('its list of parts is damaged')
    at = end + 1
    return Number(text)
  }
  const count = next()
  if (count === undefined) return undefined
  const parts: [number, number][] = []
  let previous = 0
  for (let index = 0; index < count; index += 1) {
    const offset = next()
    const length = next()
    if (offset === undefined || length === undefined) return undefined
    if (offset < previous || offset + length > realSize) throw fault('its list of parts is damaged')
    previous = offset + length
    parts.push([offset, length])
  }
  const end = Math.ceil(at / BLOCK) * BLOCK
  return bytes.length < end ? undefined : { parts, bytes: end }
}
