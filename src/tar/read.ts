// SPDX-License-Identifier: Apache-2.0
import type { Readable } from 'node:stream'
import type { TarHeader } from './entry.js'
import { DEFAULT_LIMITS, damaged, type Entry, type TarLimits, walkTar } from './walk.js'

/**
 * Looks at one member; asking for the body reads it. May return a promise, which is waited for;
 * the result `'stop'` ends the reading, any other means nothing.
 */
export type TarVisitor = (entry: TarHeader, body: () => Promise<Buffer>) => unknown

/**
 * Reads a tar, a stream never faster than the visitor takes it. Bodies that are not asked for are skipped.
 * Throws IMAGE_INVALID for damaged or oversized archives; errors of the source and the visitor pass through.
 */
export async function readTar(
  source: Readable | Buffer,
  visit: TarVisitor,
  limits: Partial<TarLimits> = {},
): Promise<void> {
  const bounds = { ...DEFAULT_LIMITS, ...limits }
  await walkTar(source, bounds, async (header, stream) => {
    const verdict = await visit(header, () => readBody(header, stream, bounds))
    return verdict === 'stop' ? 'stop' : undefined
  })
}

/** Reads a member's body into memory; throws IMAGE_INVALID when it is larger than allowed. */
export async function readBody(header: TarHeader, stream: Entry, limits: TarLimits): Promise<Buffer> {
  if (header.size > limits.bodyBytes) {
    throw damaged(`member ${JSON.stringify(header.name)} is larger than ${limits.bodyBytes} bytes`)
  }
  const chunks: Buffer[] = []
  for await (const chunk of stream) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks)
}
