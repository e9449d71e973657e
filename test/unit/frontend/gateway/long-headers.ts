// SPDX-License-Identifier: Apache-2.0
import test from 'ava'
import { dropLongFields } from '../../../../src/frontend/gateway/long-headers.js'

function frame(type: number, flags: number, payload: Buffer): Buffer {
  const head = Buffer.alloc(9)
  head.writeUIntBE(payload.length, 0, 3)
  head.writeUInt8(type, 3)
  head.writeUInt8(flags, 4)
  head.writeUInt32BE(1, 5)
  return Buffer.concat([head, payload])
}

/** 70,000 bytes as the length of a text: 127 and the rest, seven bits at a time. */
const LONG = Buffer.concat([Buffer.of(0, 1, 0x61, 127, 0xf1, 0xa1, 4), Buffer.alloc(70_000, 'x')])

for (const size of [1000, 7, 16_384]) {
  test(`the long field of a padded header with continuations is left out, from pieces of ${size} bytes`, async (t) => {
    const block = Buffer.concat([Buffer.of(0x88), LONG, Buffer.of(0x89)])
    const padded = Buffer.concat([Buffer.of(2), block.subarray(0, 10_000), Buffer.alloc(2)])
    const frames = [
      frame(1, 0x9, padded),
      ...[0, 1, 2, 3].map((i) =>
        frame(
          9,
          i === 3 ? 4 : 0,
          block.subarray(10_000 + i * 16_000, i === 3 ? undefined : 26_000 + i * 16_000),
        ),
      ),
      frame(6, 0, Buffer.alloc(8)),
    ]
    const all = Buffer.concat(frames)
    const filter = dropLongFields()
    for (let at = 0; at < all.length; at += size) filter.write(all.subarray(at, at + size))
    filter.end()
    const out = Buffer.concat(await filter.toArray())
    t.deepEqual(out, Buffer.concat([frame(1, 5, Buffer.of(0x88, 0x89)), frame(6, 0, Buffer.alloc(8))]))
  })
}
