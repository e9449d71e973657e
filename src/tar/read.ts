// SPDX-License-Identifier: Apache-2.0
import type { Readable } from 'node:stream'
import { DEFAULT_LIMITS, damaged, type TarLimits } from './decode.js'
import type { TarHeader } from './entry.js'
import { type Member, membersOf } from './walk.js'

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
  for await (const member of membersOf(source, bounds)) {
    if ((await visit(member.header, () => readBody(member, bounds))) === 'stop') return
  }
}

/** Reads a member's body into memory; throws IMAGE_INVALID when it is larger than allowed. */
export async function readBody({ header, body }: Member, limits: TarLimits): Promise<Buffer> {
  if (header.size > limits.bodyBytes) {
    throw damaged(`member ${JSON.stringify(header.name)} is larger than ${limits.bodyBytes} bytes`)
  }
  const chunks: Buffer[] = []
  for await (const chunk of body()) chunks.push(chunk)
  return Buffer.concat(chunks)
}
