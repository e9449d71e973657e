// SPDX-License-Identifier: Apache-2.0
import test from 'ava'
import { createDemultiplexer } from '../../../../src/engine/docker/demux.js'

function frame(kind: number, text: string): Buffer {
  const header = Buffer.alloc(8)
  header.writeUInt8(kind, 0)
  header.writeUInt32BE(Buffer.byteLength(text), 4)
  return Buffer.concat([header, Buffer.from(text)])
}

function demultiplex(bytes: Buffer, chunkSize: number): { stdout: string; stderr: string } {
  const output = { stdout: '', stderr: '' }
  const take = createDemultiplexer((stream, chunk) => {
    output[stream] += chunk.toString('latin1')
  })
  for (let at = 0; at < bytes.length; at += chunkSize) take(bytes.subarray(at, at + chunkSize))
  return output
}

const FRAMES = Buffer.concat([
  frame(1, 'out'),
  frame(2, 'err'),
  frame(1, ''),
  frame(1, `${'long '.repeat(50)}`),
])

for (const size of [1, 3, 8, 11, 1000]) {
  test(`frames are told apart in chunks of ${size} bytes`, (t) => {
    t.deepEqual(demultiplex(FRAMES, size), { stdout: `out${'long '.repeat(50)}`, stderr: 'err' })
  })
}

test('a frame that is cut off gives what it has', (t) => {
  t.deepEqual(demultiplex(FRAMES.subarray(0, 9), 100), { stdout: 'o', stderr: '' })
})

for (const size of [1, 1000]) {
  test(`output of a terminal goes through unchanged, in chunks of ${size}`, (t) => {
    const text = 'Listening on port 8000\r\n'
    t.deepEqual(demultiplex(Buffer.from(text), size), { stdout: text, stderr: '' })
  })
}
