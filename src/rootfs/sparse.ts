// SPDX-License-Identifier: Apache-2.0
// Sparse files as GNU tar writes them in pax archives, version 1.0: the body begins with decimal numbers, one a
// line, padded to a block: how many parts there are, then offset and length of each; their content follows.
import type { FileWriter } from './files.js'

const BLOCK = 512
const MAP_LIMIT = 8 * 1024 * 1024

/** Writes the content of a sparse member; `fault` makes the error for a member that cannot be right. */
export async function writeSparse(
  file: FileWriter,
  body: AsyncIterable<unknown>,
  { realSize }: { realSize: number },
  fault: (reason: string) => Error,
): Promise<void> {
  let rest = Buffer.alloc(0)
  let parts: [number, number][] | undefined
  let part = 0
  let done = 0
  const write = (data: Buffer) => {
    let at = 0
    while (at < data.length && parts !== undefined) {
      const current = parts[part]
      if (current === undefined) throw fault('it has more content than its list of parts says')
      const [offset, length] = current
      file.skipTo(offset + done)
      const piece = data.subarray(at, at + length - done)
      file.write(piece)
      at += piece.length
      done += piece.length
      if (done < length) continue
      part += 1
      done = 0
    }
  }
  for await (const chunk of body) {
    if (parts !== undefined) {
      write(chunk as Buffer)
      continue
    }
    rest = Buffer.concat([rest, chunk as Buffer])
    const map = readMap(rest, realSize, fault)
    if (map === undefined) {
      if (rest.length > MAP_LIMIT) throw fault('its list of parts is too long')
      continue
    }
    parts = map.parts.filter(([, length]) => length > 0)
    write(rest.subarray(map.bytes))
  }
  if (parts === undefined || part < parts.length) throw fault('it is cut off')
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
