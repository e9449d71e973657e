// SPDX-License-Identifier: Apache-2.0
// BuildKit puts the whole Dockerfile into the trailer of an error. nghttp2, which is in Node, ends the connection when a
// header is over 64 KiB, and there is no setting for it. So that there is a connection left to tell of it, such a
// block of headers becomes the reset of its call.

import { constants } from 'node:http2'
import { Transform } from 'node:stream'

/** What nghttp2 reads of one header, as it is encoded. */
const MAX_BLOCK_BYTES = 65_536
/** How a call ends whose headers were over it. */
const TOO_LONG = constants.NGHTTP2_ENHANCE_YOUR_CALM

/** No side of this connection allows longer frames; what announces one is not HTTP/2. */
const MAX_FRAME_BYTES = 16_384
const FRAME_HEADER_BYTES = 9
const TYPE = { headers: 1, reset: 3, continuation: 9 } as const
const END_HEADERS = 4

/**
 * Passes frames on as they are, but for blocks of headers that are too long. The table of header compression lacks
 * what such a block would have put there: what is read after it may break the connection, what is written arrives.
 */
export function resetLongHeaders(): Transform {
  let rest: Buffer = Buffer.alloc(0)
  let block: Buffer[] = []
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk])
      for (;;) {
        const length =
          rest.length < FRAME_HEADER_BYTES ? undefined : FRAME_HEADER_BYTES + rest.readUIntBE(0, 3)
        if (length !== undefined && length > FRAME_HEADER_BYTES + MAX_FRAME_BYTES) {
          this.push(rest)
          rest = Buffer.alloc(0)
          break
        }
        if (length === undefined || rest.length < length) break
        const frame = rest.subarray(0, length)
        rest = rest.subarray(length)
        const type = frame[3]
        if (type !== TYPE.headers && type !== TYPE.continuation) {
          this.push(frame)
          continue
        }
        block.push(frame)
        if (((frame[4] ?? 0) & END_HEADERS) === 0) continue
        const whole = Buffer.concat(block)
        block = []
        this.push(whole.length > MAX_BLOCK_BYTES ? reset(frame) : whole)
      }
      done()
    },
    flush(done) {
      this.push(Buffer.concat([...block, rest]))
      done()
    },
  })
}

function reset(frame: Buffer): Buffer {
  const bytes = Buffer.alloc(FRAME_HEADER_BYTES + 4)
  bytes.writeUIntBE(4, 0, 3)
  bytes[3] = TYPE.reset
  frame.copy(bytes, 5, 5, FRAME_HEADER_BYTES)
  bytes.writeUInt32BE(TOO_LONG, FRAME_HEADER_BYTES)
  return bytes
}
