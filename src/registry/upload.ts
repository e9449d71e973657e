// SPDX-License-Identifier: Apache-2.0
// Blobs on their way into a repository: at once or in pieces, and on from where a connection broke.
import { Readable } from 'node:stream'
import type { Digest } from '../image/index.js'
import { type Blob, openVerified } from '../oci/index.js'
import type { Scope } from './authorization.js'
import { inVain } from './download.js'
import type { Endpoint } from './endpoint.js'
import { ConnectionFailure, RegistryReply, refused, statusOf } from './error.js'
import { hostOf } from './name.js'
import type { HttpReply } from './transport.js'

/** Larger blobs are sent in pieces of this size: each is authorized anew, so that an upload outlives its token. */
export const PIECE = 64 * 1024 * 1024

export interface UploadRequest {
  readonly endpoint: Endpoint
  /** Where uploads begin. */
  readonly target: string
  readonly scopes: readonly Scope[]
  readonly subject: string
  readonly pieceBytes: number
  /** Whether the repository has a blob. */
  has(digest: Digest): Promise<boolean>
}

/** An upload that a registry has begun. */
interface Session {
  /** Where it goes on; another one after each piece. */
  location: string
  /** Bytes that the registry has. */
  offset: number
  /** Bytes that a piece must have at least, but for the last one. */
  readonly leastPiece: number
}

/** Statuses of registries that take a blob only at once. */
const NO_PIECES: readonly (number | undefined)[] = [400, 404, 405, 411, 413, 416, 501]

/**
 * Statuses of registries for an upload of which they have more than they said: what came before a connection broke may be
 * written down after they were asked.
 */
const OUT_OF_STEP: readonly (number | undefined)[] = [404, 416]

/**
 * Sends a blob, whose content is compared with its digest as it is read.
 * @param begun a session that the registry has opened already
 */
export async function upload(request: UploadRequest, blob: Blob, begun?: HttpReply): Promise<void> {
  const first = begun === undefined ? undefined : toSession(request, begun, undefined)
  if (blob.size <= request.pieceBytes) return await send(request, blob, blob.size || 1, first)
  try {
    await send(request, blob, request.pieceBytes, first)
  } catch (error) {
    if (!NO_PIECES.includes(statusOf(error))) throw error
    await send(request, blob, blob.size, undefined)
  }
}

/** Opens an upload and closes it again, which shows whether this repository can be written to. */
export async function tryUpload(request: UploadRequest): Promise<void> {
  const { endpoint, scopes, subject } = request
  const session = await begin(request)
  // A session that stays is removed by the registry in its own time.
  const rest = { method: 'DELETE', ...at(session), scopes, subject, once: true } as const
  await endpoint
    .ask({ ...rest, expect: [200, 202, 204] })
    .then((reply) => reply.dump())
    .catch(() => undefined)
}

async function begin(request: UploadRequest): Promise<Session> {
  const { endpoint, target, scopes, subject } = request
  const reply = await endpoint.ask({ method: 'POST', target, scopes, subject, expect: [202] })
  await reply.dump()
  return toSession(request, reply, undefined)
}

/** Sends all of a blob in pieces of a size, the last of which closes the upload. */
async function send(
  request: UploadRequest,
  blob: Blob,
  pieceBytes: number,
  begun: Session | undefined,
): Promise<void> {
  let session = begun ?? (await begin(request))
  for (let failures = 0; ; ) {
    const before = session.offset
    try {
      await sendFrom(request, blob, Math.max(pieceBytes, session.leastPiece), session)
      return
    } catch (error) {
      const isPassing = error instanceof ConnectionFailure || error instanceof RegistryReply
      if (!isPassing && !(failures > 0 && OUT_OF_STEP.includes(statusOf(error)))) throw error
      failures = session.offset > before ? 1 : failures + 1
      if (failures >= request.endpoint.patience.attempts)
        throw inVain(request.endpoint, request.subject, error)
      await request.endpoint.wait(failures)
      const resumed = isPassing ? await resume(request, session) : undefined
      // What closed an upload may have arrived though its answer did not.
      if (resumed === undefined && (await request.has(blob.digest))) return
      session = resumed ?? (await begin(request))
    }
  }
}

async function sendFrom(
  request: UploadRequest,
  blob: Blob,
  pieceBytes: number,
  session: Session,
): Promise<void> {
  const { endpoint, scopes, subject } = request
  const input = new Pieces(await openVerified(blob, subject))
  try {
    await input.skip(session.offset)
    while (blob.size - session.offset > pieceBytes) {
      const reply = await endpoint.ask({
        method: 'PATCH',
        ...at(session),
        scopes,
        subject,
        expect: [202],
        once: true,
        headers: rangeHeaders(session.offset, pieceBytes),
        body: input.take(pieceBytes),
      })
      await reply.dump()
      Object.assign(session, toSession(request, reply, session.offset + pieceBytes))
    }
    const length = blob.size - session.offset
    const isWhole = session.offset === 0
    const reply = await endpoint.ask({
      method: 'PUT',
      ...at(session, blob.digest),
      scopes,
      subject,
      expect: [201, 204],
      once: true,
      headers: isWhole
        ? { 'content-type': 'application/octet-stream', 'content-length': String(length) }
        : length > 0
          ? rangeHeaders(session.offset, length)
          : { 'content-length': '0' },
      ...(length > 0 ? { body: input.takeLast(length) } : {}),
    })
    await reply.dump()
  } finally {
    input.destroy()
  }
}

/** Asks how much of an upload has arrived; undefined when the registry no longer knows it. */
async function resume(request: UploadRequest, session: Session): Promise<Session | undefined> {
  const { endpoint, scopes, subject } = request
  try {
    const asked = { method: 'GET', ...at(session), scopes, subject } as const
    const reply = await endpoint.ask({ ...asked, expect: [204, 202, 200] })
    await reply.dump()
    return toSession(request, reply, undefined, session)
  } catch (error) {
    const status = statusOf(error)
    if (status === undefined || status >= 500 || status === 429) throw error
    return undefined
  }
}

function toSession(
  { endpoint, subject }: UploadRequest,
  reply: HttpReply,
  expected: number | undefined,
  old?: Session,
): Session {
  const location = reply.header('location') ?? old?.location
  if (location === undefined) {
    const host = hostOf(endpoint.place.registry)
    throw refused(subject, host, new RegistryReply(reply.status, 'it does not say where the upload goes on'))
  }
  // `0-0` is what registries say of none as well as of one byte; uploads in pieces have more than that.
  const [, last] = /^(?:bytes=)?0-(\d+)$/.exec(reply.header('range') ?? '') ?? []
  const told = last === undefined || last === '0' ? undefined : Number(last) + 1
  const least = Number(reply.header('oci-chunk-min-length') ?? old?.leastPiece ?? 0)
  return { location, offset: told ?? expected ?? 0, leastPiece: Number.isSafeInteger(least) ? least : 0 }
}

function rangeHeaders(offset: number, length: number): Record<string, string> {
  return {
    'content-type': 'application/octet-stream',
    'content-length': String(length),
    'content-range': `${offset}-${offset + length - 1}`,
  }
}

/** The address of an upload, with the digest where it ends. It may have a query of its own, which comes back as it is. */
function at({ location }: Session, digest?: Digest): { target: string; sameScheme: true } {
  const mark = location.includes('?') ? '&' : '?'
  const query = digest === undefined ? '' : `${mark}digest=${encodeURIComponent(digest)}`
  return { target: `${location}${query}`, sameScheme: true }
}

/** Cuts a stream into streams of given lengths. */
class Pieces {
  readonly #input: Readable
  readonly #chunks: AsyncIterator<Buffer>
  #rest: Buffer = Buffer.alloc(0)

  constructor(input: Readable) {
    this.#input = input
    this.#chunks = input[Symbol.asyncIterator]() as AsyncIterator<Buffer>
  }

  async skip(length: number): Promise<void> {
    for await (const _ of this.#take(length));
  }

  /** A stream of so many bytes; the next piece begins where it ends. */
  take(length: number): Readable {
    return Readable.from(this.#take(length), { objectMode: false })
  }

  /** The same for the end of the input: its last bytes are held back until the input has ended well. */
  takeLast(length: number): Readable {
    return Readable.from(this.#takeLast(length), { objectMode: false })
  }

  destroy(): void {
    this.#input.destroy()
  }

  async *#take(length: number): AsyncGenerator<Buffer> {
    let left = length
    while (left > 0) {
      if (this.#rest.length === 0) {
        const next = await this.#chunks.next()
        if (next.done === true) return
        this.#rest = next.value
      }
      const piece = this.#rest.subarray(0, left)
      this.#rest = this.#rest.subarray(piece.length)
      left -= piece.length
      yield piece
    }
  }

  async *#takeLast(length: number): AsyncGenerator<Buffer> {
    let held: Buffer | undefined
    for await (const piece of this.#take(length)) {
      if (held !== undefined) yield held
      held = piece
    }
    await this.#chunks.next()
    if (held !== undefined) yield held
  }
}
