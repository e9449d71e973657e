// SPDX-License-Identifier: Apache-2.0
// Blobs as streams that survive the connections they come over: what is missing is asked for by its range.
import { Readable } from 'node:stream'
import type { Endpoint, EndpointRequest } from './endpoint.js'
import { ConnectionFailure, RegistryReply, refused, unreachable } from './error.js'
import { hostOf } from './name.js'
import { mayRecover } from './retry.js'
import type { Secrets } from './secrets.js'
import { toFailure } from './transport.js'

/** How a blob is asked for at one place. */
export type BlobRequest = Pick<EndpointRequest, 'target' | 'scopes' | 'subject'>

/**
 * Reads a blob; the content is not compared with its digest here.
 * @param endpoints asked one after the other: whatever fails at one but the last is asked of the next
 * @param size as it is known, in bytes; of a longer blob a part more is read, so that it is noticed
 */
export function download(
  endpoints: readonly Endpoint[],
  request: (endpoint: Endpoint) => BlobRequest,
  size: number,
  secrets: Secrets,
): Readable {
  return Readable.from(chunks(endpoints, request, size, secrets), { objectMode: false })
}

async function* chunks(
  endpoints: readonly Endpoint[],
  request: (endpoint: Endpoint) => BlobRequest,
  size: number,
  secrets: Secrets,
): AsyncGenerator<Buffer> {
  const progress: Progress = { received: 0 }
  for (const [at, endpoint] of endpoints.entries()) {
    try {
      yield* chunksFrom(endpoint, request(endpoint), size, secrets, progress)
      return
    } catch (error) {
      // Mirrors are a help, not a condition.
      if (at === endpoints.length - 1) throw error
    }
  }
}

interface Progress {
  /** Bytes. */
  received: number
}

async function* chunksFrom(
  endpoint: Endpoint,
  request: BlobRequest,
  size: number,
  secrets: Secrets,
  progress: Progress,
): AsyncGenerator<Buffer> {
  for (let failures = 0; ; ) {
    const before = progress.received
    try {
      const headers: Record<string, string> = before === 0 ? {} : { range: `bytes=${before}-` }
      const once = failures > 0
      const reply = await endpoint.ask({ ...request, method: 'GET', headers, expect: [200, 206], once })
      // Not every registry, and not every store behind one, knows ranges: what is there already is passed over.
      let skip = reply.status === 206 ? 0 : before
      for await (const chunk of reply.body) {
        const fresh = (chunk as Buffer).subarray(skip)
        skip -= (chunk as Buffer).length - fresh.length
        progress.received += fresh.length
        if (fresh.length > 0) yield fresh
        if (progress.received > size) return
      }
      if (progress.received >= size) return
      throw new ConnectionFailure('SHORT', 'the data ended too early')
    } catch (raw) {
      const error = toFailure(raw, secrets)
      if (!mayRecover(error) && !(error instanceof RegistryReply)) throw error
      failures = progress.received > before ? 1 : failures + 1
      if (failures >= endpoint.patience.attempts) throw inVain(endpoint, request.subject, error)
      await endpoint.wait(failures)
    }
  }
}

/** The error for what was tried often enough. */
export function inVain(endpoint: Endpoint, subject: string, error: unknown): unknown {
  const host = hostOf(endpoint.place.registry)
  if (error instanceof ConnectionFailure) return unreachable(host, error)
  return error instanceof RegistryReply ? refused(subject, host, error) : error
}
