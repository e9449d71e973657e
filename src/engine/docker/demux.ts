// SPDX-License-Identifier: Apache-2.0
// The engine sends both outputs of a container over one stream, in frames of an eight
// byte header (kind, three zero bytes, length big endian) and a payload.
import type { OutputListener } from '../../ports/index.js'

const HEADER_BYTES = 8
const KINDS = ['stdout', 'stdout', 'stderr'] as const
/** The engine copies in blocks of 32 KiB; a header far beyond that is no header. */
const MAX_FRAME_BYTES = 64 * 1024 * 1024

/**
 * Makes a function that takes the stream in chunks of any size and passes payloads on as they come.
 * What does not look like frames is passed on unchanged as stdout, so that no output is lost.
 */
export function createDemultiplexer(onOutput: OutputListener): (chunk: Buffer) => void {
  let header = Buffer.alloc(0)
  let kind: 'stdout' | 'stderr' = 'stdout'
  let missing = 0
  let isRaw = false

  return (chunk) => {
    let rest = chunk
    while (rest.length > 0) {
      if (isRaw) {
        onOutput('stdout', rest)
        return
      }
      if (missing > 0) {
        onOutput(kind, rest.subarray(0, missing))
        const taken = Math.min(missing, rest.length)
        missing -= taken
        rest = rest.subarray(taken)
        continue
      }
      const taken = Math.min(HEADER_BYTES - header.length, rest.length)
      header = Buffer.concat([header, rest.subarray(0, taken)])
      rest = rest.subarray(taken)
      if (header.length < HEADER_BYTES) return
      const frame = parseHeader(header)
      if (frame === undefined) {
        isRaw = true
        onOutput('stdout', header)
      } else {
        kind = frame.kind
        missing = frame.bytes
        header = Buffer.alloc(0)
      }
    }
  }
}

function parseHeader(header: Buffer): { kind: 'stdout' | 'stderr'; bytes: number } | undefined {
  const kind = KINDS[header.readUInt8(0)]
  const bytes = header.readUInt32BE(4)
  if (kind === undefined || header.readUIntBE(1, 3) !== 0 || bytes > MAX_FRAME_BYTES) return undefined
  return { kind, bytes }
}
