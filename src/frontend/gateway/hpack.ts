// SPDX-License-Identifier: Apache-2.0
// As much of HPACK (RFC 7541) as it takes to leave fields out: where they begin and end, not what they say.

/** nghttp2's limit is 65,536 bytes for a name or a value as it is sent. */
const MAX_FIELD_BYTES = 60_000

/**
 * A header without the fields that are too long. Only those that neither side remembers are left out, so both
 * still agree on what was said before; a field of this length never fits into that memory (4,096 bytes).
 * A header that makes no sense is given back as it is.
 */
export function withoutLongFields(block: Buffer): Buffer {
  const kept: Buffer[] = []
  let start = 0
  while (start < block.length) {
    const field = readField(block, start)
    if (field === undefined) return block
    if (field.isRemembered || field.end - start <= MAX_FIELD_BYTES)
      kept.push(block.subarray(start, field.end))
    start = field.end
  }
  return Buffer.concat(kept)
}

interface Field {
  readonly end: number
  readonly isRemembered: boolean
}

function readField(block: Buffer, start: number): Field | undefined {
  const first = block[start] ?? 0
  // A field that was sent before, by number; or (001) the size of the memory.
  if (first >= 0x80) return whole(readInteger(block, start, 7))
  if (first >= 0x20 && first < 0x40) return whole(readInteger(block, start, 5))
  const isRemembered = first >= 0x40
  const name = readInteger(block, start, isRemembered ? 6 : 4)
  if (name === undefined) return undefined
  const value = name.value === 0 ? endOfText(block, name.end) : name.end
  const end = value === undefined ? undefined : endOfText(block, value)
  return end === undefined ? undefined : { end, isRemembered }
}

function whole(number: { end: number } | undefined): Field | undefined {
  return number && { end: number.end, isRemembered: true }
}

function endOfText(block: Buffer, start: number): number | undefined {
  const length = readInteger(block, start, 7)
  if (length === undefined || length.end + length.value > block.length) return undefined
  return length.end + length.value
}

/** A number that begins in the last `bits` bits of a byte (section 5.1). */
function readInteger(block: Buffer, start: number, bits: number): { value: number; end: number } | undefined {
  const most = 2 ** bits - 1
  let value = (block[start] ?? 0) & most
  if (start >= block.length) return undefined
  if (value < most) return { value, end: start + 1 }
  for (let at = start + 1, factor = 1; at < block.length && factor < 2 ** 35; at++, factor *= 128) {
    const byte = block[at] ?? 0
    value += (byte & 0x7f) * factor
    if (byte < 0x80) return { value, end: at + 1 }
  }
  return undefined
}
