// SPDX-License-Identifier: Apache-2.0
// Blobs by their digest. Whatever is read is compared with the digest that asked for it.
import { createHash } from 'node:crypto'
import { Readable, Transform, type TransformCallback } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { PycdsError } from '../errors/index.js'
import { algorithmOf, type Descriptor, type Digest, otherAlgorithm } from '../image/index.js'

/** Stored bytes that can be read any number of times. */
export interface Blob {
  readonly digest: Digest
  /** Bytes. */
  readonly size: number
  open(): Promise<Readable>
  /** Begins to fetch what is not here, for an `open` that follows, which tells whatever goes wrong. */
  prefetch?(): void
  /** The repository that has it: in another one of the same registry it can be had without being sent. */
  readonly origin?: { readonly registry: string; readonly path: string }
}

/** What is known of a blob before it is found. */
export type Wanted = Pick<Descriptor, 'mediaType' | 'size'>

/** Where blobs are looked up. */
export interface BlobSource {
  /** The layout or archive, as it starts an error message. */
  readonly subject: string
  /** @param wanted what names it; a source that would have to ask for its blobs takes the size from it. */
  find(digest: Digest, wanted?: Wanted): Promise<Blob | undefined>
}

/** Larger than any manifest, index or configuration that tools write. */
const DOCUMENT_LIMIT = 16 * 1024 * 1024

/** A blob that exists only in memory. */
export function memoryBlob(digest: Digest, bytes: Buffer): Blob {
  return {
    digest,
    size: bytes.length,
    open: async () => Readable.from(bytes.length > 0 ? [bytes] : [], { objectMode: false }),
  }
}

/** Finds the blob of a descriptor; IMAGE_INVALID when there is none or its size is another one. */
export async function requireBlob(
  source: BlobSource,
  descriptor: Pick<Descriptor, 'digest' | 'size' | 'mediaType'>,
  what: string,
): Promise<Blob> {
  const { digest, size } = descriptor
  if (algorithmOf(digest) !== 'sha256')
    throw otherAlgorithm(`${source.subject}: ${what} ${digest.slice(0, 80)}`, digest)
  const blob = await source.find(digest, descriptor)
  if (blob === undefined) throw damaged(`${source.subject}: ${what} ${digest} is missing`)
  if (blob.size !== size) {
    throw damaged(`${source.subject}: ${what} ${digest} has ${blob.size} bytes instead of ${size}`)
  }
  return blob
}

/** Reads a blob with the digest checked; the stream fails with IMAGE_INVALID at its end when it is another. */
export async function openVerified(blob: Blob, subject: string): Promise<Readable> {
  return verify(await blob.open(), blob.digest, `${subject}: blob`)
}

/** Reads and parses a JSON document. */
export async function readDocument(
  source: BlobSource,
  descriptor: Pick<Descriptor, 'digest' | 'size' | 'mediaType'>,
  what: string,
): Promise<{ bytes: Buffer; value: unknown }> {
  const blob = await requireBlob(source, descriptor, what)
  if (blob.size > DOCUMENT_LIMIT) {
    throw damaged(`${source.subject}: ${what} ${blob.digest} is larger than ${DOCUMENT_LIMIT} bytes`)
  }
  const bytes = await buffer(await openVerified(blob, source.subject))
  return { bytes, value: parseJson(bytes, `${source.subject}: ${what} ${blob.digest}`) }
}

/** Parses JSON; IMAGE_INVALID for anything else. */
export function parseJson(bytes: Buffer, subject: string): unknown {
  try {
    return JSON.parse(bytes.toString('utf8'))
  } catch (cause) {
    throw damaged(`${subject}: it is not JSON`, cause)
  }
}

/** Passes a stream through and fails at its end when its content does not have the digest. */
export function verify(input: Readable, digest: string, what: string): Readable {
  const algorithm = algorithmOf(digest)
  const hash = createHash(algorithm)
  const check = new Transform({
    transform(chunk: Buffer, _encoding, done: TransformCallback) {
      hash.update(chunk)
      done(null, chunk)
    },
    flush(done: TransformCallback) {
      const actual = `${algorithm}:${hash.digest('hex')}`
      done(actual === digest ? null : damaged(`${what} ${digest}: its content has the digest ${actual}`))
    },
  })
  return follow(input, check)
}

/** `input.pipe(output)` with failure in both directions: an error moves on, a reader that left is noticed. */
export function follow<T extends Transform>(input: Readable, output: T): T {
  input.on('error', (error) => output.destroy(error))
  output.on('close', () => input.destroy())
  input.on('close', () => {
    if (!input.readableEnded && !output.destroyed) output.destroy(damaged('image: its data ended too early'))
  })
  input.pipe(output)
  return output
}

/** An image that cannot be trusted or read. */
export function damaged(message: string, cause?: unknown): PycdsError {
  return new PycdsError('IMAGE_INVALID', {
    message,
    hint: 'The image is damaged or incomplete; build or copy it again.',
    cause,
  })
}
