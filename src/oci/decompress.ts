// SPDX-License-Identifier: Apache-2.0
// Layers as tar streams. zstd is decompressed by a library: the oldest supported Node has none.
import { type Readable, Transform, type TransformCallback } from 'node:stream'
import { createGunzip, gzipSync } from 'node:zlib'
import { Decompress } from 'fzstd'
import { PycdsError } from '../errors/index.js'
import type { Compression } from '../image/index.js'
import { damaged, follow } from './blobs.js'

/** Bytes at a time: what is done for each piece of an image counts when there are thousands. */
const CHUNK = 64 * 1024

const MAGIC: readonly (readonly [Compression, readonly number[]])[] = [
  ['gzip', [0x1f, 0x8b]],
  ['zstd', [0x28, 0xb5, 0x2f, 0xfd]],
]

/** How data is compressed, by its first bytes: where no media type says it. */
export function sniffCompression(start: Buffer): Compression {
  const found = MAGIC.find(([, magic]) => magic.every((byte, index) => start[index] === byte))
  return found?.[0] ?? 'none'
}

/** Decompresses a stream; IMAGE_INVALID when it is cut off or damaged. */
export function decompress(input: Readable, compression: Compression, subject: string): Readable {
  if (compression === 'none') return input
  const output = follow(input, compression === 'gzip' ? createGunzip({ chunkSize: CHUNK }) : unzstd())
  const translated = follow(
    output,
    new Transform({ transform: (chunk, _encoding, done) => done(null, chunk) }),
  )
  // `follow` hands the library's error on as it is; readers of a layer only know ours.
  output.prependListener('error', (cause: Error) => {
    translated.destroy(cause instanceof PycdsError ? cause : damaged(`${subject}: ${reasonOf(cause)}`, cause))
  })
  return translated
}

/**
 * Compresses a layer. The header carries neither name nor time, so the same version of zlib gives the same bytes.
 */
export function compress(tar: Buffer): Buffer {
  return gzipSync(tar)
}

function unzstd(): Transform {
  let emit: (chunk: Uint8Array) => void = () => {}
  const decoder = new Decompress((chunk) => {
    if (chunk.length > 0) emit(chunk)
  })
  const run = (stream: Transform, chunk: Uint8Array, final: boolean, done: TransformCallback) => {
    // The library reuses its window, so what it hands out must be copied.
    emit = (data) => stream.push(Buffer.from(data))
    try {
      decoder.push(chunk, final)
      done()
    } catch (error) {
      done(error instanceof Error ? error : new Error(String(error)))
    }
  }
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      run(this, chunk, false, done)
    },
    flush(done) {
      run(this, new Uint8Array(0), true, done)
    },
  })
}

function reasonOf(error: Error): string {
  return /unexpected (end|EOF)/i.test(error.message)
    ? 'its compressed data ends too early'
    : `its compressed data is damaged (${error.message})`
}
