// SPDX-License-Identifier: Apache-2.0
// Content addresses. Two brands, because mixing them up is the classic mistake:
// a Digest names stored bytes, a DiffId names a layer's uncompressed tar.
import { createHash } from 'node:crypto'
import { PycdsError } from '../errors/index.js'

/** `sha256:<64 hex digits>` of bytes as they are stored or sent. */
export type Digest = `sha256:${string}` & { readonly __brand: 'Digest' }

/** `sha256:<64 hex digits>` of a layer's uncompressed tar. */
export type DiffId = `sha256:${string}` & { readonly __brand: 'DiffId' }

const PATTERN = /^sha256:[0-9a-f]{64}$/

/** Tells whether a value has the form of a sha256 digest. */
export function isDigestText(value: unknown): value is `sha256:${string}` {
  return typeof value === 'string' && PATTERN.test(value)
}

/** By the image specification: the algorithm, then what it gave. */
const OTHER_PATTERN = /^[a-z0-9]+(?:[+._-][a-z0-9]+)*:[a-zA-Z0-9=_-]+$/

/** Whether a value has the form of a digest of an algorithm that is not sha256, in which form of it is not asked. */
export function isOtherDigest(value: unknown): boolean {
  return typeof value === 'string' && !value.startsWith('sha256:') && OTHER_PATTERN.test(value)
}

/** The name of a digest's algorithm. */
export function algorithmOf(digest: string): string {
  return digest.slice(0, digest.indexOf(':'))
}

/** Where a blob lies in a layout, relative to it. */
export function blobPath(digest: Digest): string {
  return `blobs/${digest.replace(':', '/')}`
}

/** Reads a content digest; throws IMAGE_INVALID when it is not sha256 in lower-case hex. */
export function parseDigest(text: string): Digest {
  return checked(text, 'digest') as Digest
}

/** Reads a layer's diff id; throws IMAGE_INVALID when it is not sha256 in lower-case hex. */
export function parseDiffId(text: string): DiffId {
  return checked(text, 'diff id') as DiffId
}

/** Computes the digest of bytes that are stored as they are. */
export function sha256Digest(bytes: Buffer): Digest {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}` as Digest
}

/** Computes the diff id of a layer from its uncompressed tar. */
export function sha256DiffId(tar: Buffer): DiffId {
  return sha256Digest(tar) as string as DiffId
}

/** Computes the chain id of layers, oldest first: the identity of the file system that they make together. */
export function chainId(diffIds: readonly DiffId[]): Digest | undefined {
  const [first, ...rest] = diffIds
  if (first === undefined) return undefined
  return rest.reduce<Digest>(
    (chain, diffId) => sha256Digest(Buffer.from(`${chain} ${diffId}`)),
    first as string as Digest,
  )
}

/** Returns the 64 hex digits behind the algorithm name. */
export function hexOf(digest: Digest | DiffId): string {
  return digest.slice('sha256:'.length)
}

function checked(text: string, what: string): string {
  if (isDigestText(text)) return text
  if (isOtherDigest(text)) throw otherAlgorithm(`${what} ${text.slice(0, 80)}`, text)
  throw new PycdsError('IMAGE_INVALID', {
    message: `${what} ${JSON.stringify(text.slice(0, 80))}: not of the form sha256:<64 hex digits>`,
    hint: 'The image is damaged; build or pull it again.',
  })
}

/** The error for what is sound, as far as anybody can tell here. @param what as it starts the message */
export function otherAlgorithm(what: string, digest: string): PycdsError {
  return new PycdsError('IMAGE_INVALID', {
    message: `${what}: its digest is of the algorithm ${algorithmOf(digest)}, and only sha256 can be read`,
    hint: 'Have the image written with digests of sha256, as builders do unless they are told otherwise.',
  })
}

/** An image id as people read it: twelve digits, without the name of the hash. */
export function shortId(id: string): string {
  return id.replace(/^sha256:/, '').slice(0, 12)
}
