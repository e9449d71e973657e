// SPDX-License-Identifier: Apache-2.0
// Texts whose bytes need not be UTF-8, such as paths, as Python's surrogateescape has them: nothing of them is lost.
import { isUtf8 } from 'node:buffer'

/** Of a byte that is part of no character. */
const ESCAPE = 0xdc00
const LONGEST_CHARACTER = 4

/** Bytes that are no UTF-8 become lone surrogates. */
export function decodeText(bytes: Buffer): string {
  if (isUtf8(bytes)) return bytes.toString()
  let text = ''
  for (let at = 0; at < bytes.length; ) {
    const character = characterAt(bytes, at)
    text += character?.toString() ?? String.fromCharCode(ESCAPE + (bytes[at] ?? 0))
    at += character?.length ?? 1
  }
  return text
}

/** The same bytes again. */
export function encodeText(text: string): Buffer {
  const pieces = text.split(/([\udc80-\udcff])/u)
  if (pieces.length === 1) return Buffer.from(text)
  return Buffer.concat(
    pieces.map((piece, index) =>
      index % 2 === 0 ? Buffer.from(piece) : Buffer.of(piece.charCodeAt(0) - ESCAPE),
    ),
  )
}

function characterAt(bytes: Buffer, at: number): Buffer | undefined {
  for (let length = 1; length <= LONGEST_CHARACTER; length++) {
    const character = bytes.subarray(at, at + length)
    if (isUtf8(character)) return character
  }
  return undefined
}
