// SPDX-License-Identifier: Apache-2.0
// Header fields that are too long for Node. BuildKit puts a whole Dockerfile into a trailer when there is an error in it;
// nghttp2 refuses a value over 64 KiB, and that breaks the connection: no answer is possible any more. Such fields are
// taken out of the stream before it reads them. What they say besides `grpc-message` (the lines around the error) is lost.
import { Transform } from 'node:stream'
import { withoutLongFields } from './hpack.js'

const FRAME_HEADER_BYTES = 9
const HEADERS = 1
const CONTINUATION = 9
const END_HEADERS = 0x4
const PADDED = 0x8
const PRIORITY = 0x20
/** What Node accepts as a frame when nothing else was agreed on. */
const MAX_PAYLOAD_BYTES = 16_384
/** A header of one frame has no field that is too long. */
const LONG_BLOCK_BYTES = MAX_PAYLOAD_BYTES

interface Frame {
  readonly type: number
  readonly flags: number
  readonly stream: number
  readonly payload: Buffer
}

/** Passes an HTTP/2 connection on as it comes from the server, without header fields that are too long. */
export function dropLongFields(): Transform {
  let pending: Buffer = Buffer.alloc(0)
  let header: Frame[] = []
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      pending = pending.length === 0 ? chunk : Buffer.concat([pending, chunk])
      for (let frame = readFrame(pending); frame; frame = readFrame(pending)) {
        pending = pending.subarray(FRAME_HEADER_BYTES + frame.payload.length)
        if (frame.type !== HEADERS && frame.type !== CONTINUATION) {
          this.push(writeFrame(frame))
          continue
        }
        header.push(frame)
        if ((frame.flags & END_HEADERS) === 0) continue
        this.push(Buffer.concat(shorten(header).map(writeFrame)))
        header = []
      }
      // No frame, or one that Node refuses: waiting for its end would keep the error from it.
      if (pending.length >= 3 && pending.readUIntBE(0, 3) > MAX_PAYLOAD_BYTES) {
        this.push(pending)
        pending = Buffer.alloc(0)
      }
      done()
    },
    flush(done) {
      // Cut short: whoever reads it says so.
      this.push(Buffer.concat([...header.map(writeFrame), pending]))
      done()
    },
  })
}

/** The frames of one header, fewer where a field was left out. */
function shorten(frames: Frame[]): Frame[] {
  const [first] = frames
  const block = Buffer.concat(frames.map(fragment))
  if (first === undefined || block.length <= LONG_BLOCK_BYTES) return frames
  const rest = withoutLongFields(block)
  if (rest.length === block.length) return frames
  const parts = Array.from({ length: Math.max(1, Math.ceil(rest.length / MAX_PAYLOAD_BYTES)) }, (_, index) =>
    rest.subarray(index * MAX_PAYLOAD_BYTES, (index + 1) * MAX_PAYLOAD_BYTES),
  )
  const flags = first.flags & ~(PADDED | PRIORITY | END_HEADERS)
  return parts.map((payload, index) => ({
    type: index === 0 ? HEADERS : CONTINUATION,
    flags: (index === 0 ? flags : 0) | (index === parts.length - 1 ? END_HEADERS : 0),
    stream: first.stream,
    payload,
  }))
}

/** The part of a frame that is header, without padding and priority. */
function fragment({ type, flags, payload }: Frame): Buffer {
  if (type !== HEADERS) return payload
  const isPadded = (flags & PADDED) !== 0
  const start = (isPadded ? 1 : 0) + ((flags & PRIORITY) === 0 ? 0 : 5)
  return payload.subarray(start, payload.length - (isPadded ? (payload[0] ?? 0) : 0))
}

function readFrame(bytes: Buffer): Frame | undefined {
  if (bytes.length < FRAME_HEADER_BYTES) return undefined
  const end = FRAME_HEADER_BYTES + bytes.readUIntBE(0, 3)
  if (bytes.length < end) return undefined
  return {
    type: bytes.readUInt8(3),
    flags: bytes.readUInt8(4),
    stream: bytes.readUInt32BE(5),
    payload: bytes.subarray(FRAME_HEADER_BYTES, end),
  }
}

function writeFrame({ type, flags, stream, payload }: Frame): Buffer {
  const head = Buffer.alloc(FRAME_HEADER_BYTES)
  head.writeUIntBE(payload.length, 0, 3)
  head.writeUInt8(type, 3)
  head.writeUInt8(flags, 4)
  head.writeUInt32BE(stream, 5)
  return Buffer.concat([head, payload])
}
