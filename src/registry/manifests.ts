// SPDX-License-Identifier: Apache-2.0
// Manifests and indexes of one repository, and the tags that point at them. What was read once is not asked for again.
import { type Digest, isDigestText, kindOf, MEDIA_TYPES, parseDigest, sha256Digest } from '../image/index.js'
import { damaged, parseJson } from '../oci/index.js'
import { ask, type RepositoryEndpoints, read, within } from './asked.js'
import type { Endpoint } from './endpoint.js'
import { statusOf } from './error.js'
import type { HttpReply } from './transport.js'

/** A manifest or index, as it is stored. */
export interface StoredManifest {
  readonly bytes: Buffer
  readonly mediaType: string
  readonly digest: Digest
  /** Only a mirror was asked. */
  readonly fromMirror: boolean
}

const ACCEPTED = [
  MEDIA_TYPES.index,
  MEDIA_TYPES.dockerIndex,
  MEDIA_TYPES.manifest,
  MEDIA_TYPES.dockerManifest,
].join(', ')

export class Manifests {
  readonly #endpoints: RepositoryEndpoints
  readonly #subject: string
  /** Manifests never change under their digest. */
  readonly #known = new Map<Digest, Promise<StoredManifest>>()

  /** @param subject the repository, as it starts an error message */
  constructor(endpoints: RepositoryEndpoints, subject: string) {
    this.#endpoints = endpoints
    this.#subject = subject
  }

  /**
   * Reads one; IMAGE_NOT_FOUND when there is none, IMAGE_INVALID for content of another digest.
   * @param reference a tag or a digest
   */
  async get(reference: string): Promise<StoredManifest> {
    if (!isDigestText(reference)) return this.#remember(await this.#read(reference))
    const digest = parseDigest(reference)
    const known = this.#known.get(digest)
    if (known !== undefined) return known
    const asked = this.#read(reference)
    this.#known.set(digest, asked)
    asked.catch(() => this.#known.delete(digest))
    return await asked
  }

  /** Reads one that there may be; undefined when there is none. */
  async find(reference: string): Promise<StoredManifest | undefined> {
    return await this.get(reference).catch((error: unknown) => {
      if (statusOf(error) === 404) return undefined
      throw error
    })
  }

  /** The digest that a tag points at; undefined when there is no such tag. */
  async resolve(reference: string): Promise<Digest | undefined> {
    const reply = await ask(this.#endpoints.primary, {
      method: 'HEAD',
      path: `manifests/${reference}`,
      actions: 'pull',
      expect: [200, 404],
      headers: { accept: ACCEPTED },
      subject: within(this.#subject, reference),
    })
    await reply.dump()
    if (reply.status === 404) return undefined
    const digest = reply.header('docker-content-digest')
    return isDigestText(digest) ? parseDigest(digest) : (await this.get(reference)).digest
  }

  /**
   * Writes one.
   * @param reference a tag, or its own digest
   * @returns whether the registry has taken note of its subject
   */
  async put(reference: string, bytes: Buffer, mediaType: string): Promise<boolean> {
    const reply = await ask(this.#endpoints.primary, {
      method: 'PUT',
      path: `manifests/${reference}`,
      actions: 'pull,push',
      expect: [201, 202, 200],
      headers: { 'content-type': mediaType },
      body: bytes,
      subject: within(this.#subject, reference),
    })
    await reply.dump()
    const digest = sha256Digest(bytes)
    const stored = { bytes, mediaType, digest, fromMirror: false }
    this.#known.set(digest, Promise.resolve(stored))
    return reply.header('oci-subject') !== undefined
  }

  #remember(stored: StoredManifest): StoredManifest {
    if (!this.#known.has(stored.digest)) this.#known.set(stored.digest, Promise.resolve(stored))
    return stored
  }

  /** Mirrors are a help, not a condition: whatever keeps one from answering, the registry itself is asked next. */
  async #read(reference: string): Promise<StoredManifest> {
    const { mirrors, primary } = this.#endpoints
    for (const mirror of mirrors) {
      try {
        return { ...(await this.#readAt(mirror, reference)), fromMirror: true }
      } catch {
        // The next one.
      }
    }
    return { ...(await this.#readAt(primary, reference)), fromMirror: false }
  }

  async #readAt(endpoint: Endpoint, reference: string): Promise<Omit<StoredManifest, 'fromMirror'>> {
    const subject = within(this.#subject, reference)
    const { reply, bytes } = await read(endpoint, {
      method: 'GET',
      path: `manifests/${reference}`,
      actions: 'pull',
      expect: [200],
      headers: { accept: ACCEPTED },
      subject,
    })
    const digest = sha256Digest(bytes)
    if (isDigestText(reference) && digest !== reference) {
      throw damaged(`${subject}: its content has the digest ${digest}`)
    }
    return { bytes, mediaType: mediaTypeOf(reply, bytes, subject), digest }
  }
}

/** By the header, or by the document itself where an old server only says that it is JSON. */
function mediaTypeOf(reply: HttpReply, bytes: Buffer, subject: string): string {
  const header = reply.header('content-type')?.split(';')[0]?.trim() ?? ''
  if (kindOf(header) !== undefined) return header
  const { mediaType } = (parseJson(bytes, subject) ?? {}) as { mediaType?: unknown }
  if (typeof mediaType === 'string' && kindOf(mediaType) !== undefined) return mediaType
  throw damaged(`${subject}: it is of the type ${(mediaType ?? header) || 'unknown'}, which is no image`)
}
