// SPDX-License-Identifier: Apache-2.0
// One repository of a registry: its manifests, blobs and tags.
import type { Readable } from 'node:stream'
import {
  type Digest,
  isDigestText,
  kindOf,
  MEDIA_TYPES,
  parseDigest,
  sha256Digest,
  validateIndex,
} from '../image/index.js'
import { type Blob, damaged, parseJson } from '../oci/index.js'
import type { Scope } from './authorization.js'
import { download } from './download.js'
import type { Endpoint } from './endpoint.js'
import { statusOf } from './error.js'
import { formatRepository, type RepositoryName } from './name.js'
import { addToTagSchema, fallbackTag, type Referrer, referrersIn } from './referrers.js'
import type { Secrets } from './secrets.js'
import type { HttpReply } from './transport.js'
import { PIECE, tryUpload, type UploadRequest, upload } from './upload.js'

/** A manifest or index, as it is stored. */
export interface StoredManifest {
  readonly bytes: Buffer
  readonly mediaType: string
  readonly digest: Digest
  /** Only a mirror was asked. */
  readonly fromMirror: boolean
}

/** Where a repository is spoken to. */
export interface RepositoryEndpoints {
  /** Asked first, for reading. */
  readonly mirrors: readonly Endpoint[]
  readonly primary: Endpoint
}

const ACCEPTED = [
  MEDIA_TYPES.index,
  MEDIA_TYPES.dockerIndex,
  MEDIA_TYPES.manifest,
  MEDIA_TYPES.dockerManifest,
].join(', ')
/** Bytes of any document. */
export const DOCUMENT_LIMIT = 16 * 1024 * 1024
/** More tags, or repositories, than that are not listed. */
const LIST_LIMIT = 100_000
const PAGE = 1000
const MOUNT_REFUSED: readonly (number | undefined)[] = [400, 401, 403, 404, 405, 422]

export class Repository {
  readonly name: RepositoryName
  readonly #endpoints: RepositoryEndpoints
  readonly #secrets: Secrets
  readonly #pieceBytes: number
  /** Manifests never change under their digest. */
  readonly #manifests = new Map<Digest, Promise<StoredManifest>>()

  /** @param o.pieceBytes see {@link PIECE} */
  constructor(
    name: RepositoryName,
    o: { endpoints: RepositoryEndpoints; secrets: Secrets; pieceBytes?: number },
  ) {
    this.name = name
    this.#endpoints = o.endpoints
    this.#secrets = o.secrets
    this.#pieceBytes = o.pieceBytes ?? PIECE
  }

  /** As it starts an error message. */
  get subject(): string {
    return `registry:${formatRepository(this.name)}`
  }

  /**
   * Reads a manifest or index; IMAGE_NOT_FOUND when there is none, IMAGE_INVALID for content of another digest.
   * @param reference a tag or a digest
   */
  async manifest(reference: string): Promise<StoredManifest> {
    if (!isDigestText(reference)) return this.#remember(await this.#readManifest(reference))
    const digest = parseDigest(reference)
    const known = this.#manifests.get(digest)
    if (known !== undefined) return known
    const read = this.#readManifest(reference)
    this.#manifests.set(digest, read)
    read.catch(() => this.#manifests.delete(digest))
    return await read
  }

  /** The digest that a tag points at; undefined when there is no such tag. */
  async resolve(reference: string): Promise<Digest | undefined> {
    const reply = await this.#ask(this.#endpoints.primary, {
      method: 'HEAD',
      path: `manifests/${reference}`,
      actions: 'pull',
      expect: [200, 404],
      headers: { accept: ACCEPTED },
      subject: this.#of(reference),
    })
    await reply.dump()
    if (reply.status === 404) return undefined
    const digest = reply.header('docker-content-digest')
    return isDigestText(digest) ? parseDigest(digest) : (await this.manifest(reference)).digest
  }

  /**
   * Writes a manifest or index.
   * @param reference a tag, or its own digest
   * @returns whether the registry has taken note of its subject
   */
  async putManifest(reference: string, bytes: Buffer, mediaType: string): Promise<boolean> {
    const reply = await this.#ask(this.#endpoints.primary, {
      method: 'PUT',
      path: `manifests/${reference}`,
      actions: 'pull,push',
      expect: [201, 202, 200],
      headers: { 'content-type': mediaType },
      body: bytes,
      subject: this.#of(reference),
    })
    await reply.dump()
    const digest = sha256Digest(bytes)
    const stored = { bytes, mediaType, digest, fromMirror: false }
    this.#manifests.set(digest, Promise.resolve(stored))
    return reply.header('oci-subject') !== undefined
  }

  /** Whether the repository has a blob. */
  async hasBlob(digest: Digest): Promise<boolean> {
    const reply = await this.#ask(this.#endpoints.primary, {
      method: 'HEAD',
      path: `blobs/${digest}`,
      actions: 'pull,push',
      expect: [200, 404],
      subject: this.#of(digest),
    })
    await reply.dump()
    return reply.status === 200
  }

  /**
   * Reads a blob; the content is not compared with its digest here. The stream goes on by itself when a connection
   * breaks.
   * @param size bytes
   */
  readBlob(digest: Digest, size: number): Readable {
    const { mirrors, primary } = this.#endpoints
    const request = (endpoint: Endpoint) => ({
      ...this.#request('pull', `blobs/${digest}`, [], endpoint),
      subject: this.#of(digest),
    })
    return download([...mirrors, primary], request, size, this.#secrets)
  }

  /** Whether a blob may be written here; throws what keeps it from being. */
  async assertWritable(): Promise<void> {
    await tryUpload(this.#uploading(this.subject))
  }

  /**
   * Puts a blob into the repository, unless it has it.
   * @param from a repository of the same registry that has it, from which it need not be sent
   * @returns what it took
   */
  async putBlob(blob: Blob, from?: RepositoryName): Promise<'there' | 'mounted' | 'sent'> {
    const subject = this.#of(blob.digest)
    if (from !== undefined) {
      const begun = await this.#mount(blob.digest, from)
      if (begun === 'mounted') return 'mounted'
      if (begun !== undefined) {
        await upload(this.#uploading(subject), blob, begun)
        return 'sent'
      }
    }
    if (await this.hasBlob(blob.digest)) return 'there'
    await upload(this.#uploading(subject), blob)
    return 'sent'
  }

  /** All tags, as the registry sorts them; none for a repository that it has not. */
  async tags(): Promise<string[]> {
    const subject = `${this.subject}: its tags`
    const { target: first, scopes } = this.#request('pull', `tags/list?n=${PAGE}`)
    const read = (next: string | undefined) =>
      this.#endpoints.primary.read(
        {
          method: 'GET',
          target: next ?? first,
          scopes,
          expect: [200, 404],
          subject,
          sameScheme: true,
        },
        DOCUMENT_LIMIT,
      )
    return await listPages(read, 'tags', this.subject)
  }

  /** What there is about a manifest: by the registry's own list, else by the tag that stands for it. */
  async referrers(digest: Digest): Promise<Referrer[]> {
    const { primary } = this.#endpoints
    const { reply, bytes } = await this.#read(primary, {
      method: 'GET',
      path: `referrers/${digest}`,
      actions: 'pull',
      expect: [200, 400, 404, 405, 501],
      headers: { accept: MEDIA_TYPES.index },
      subject: this.#of(digest),
    })
    const subject = `${this.subject}: referrers of ${digest}`
    const isList = reply.header('content-type')?.startsWith(MEDIA_TYPES.index) === true
    if (reply.status === 200 && isList) {
      return referrersIn(validateIndex(parseJson(bytes, subject), subject))
    }
    const listed = await this.#find(fallbackTag(digest))
    return listed === undefined ? [] : referrersIn(validateIndex(parseJson(listed.bytes, subject), subject))
  }

  /** Which of some tags there are. */
  async existing(tags: readonly string[]): Promise<string[]> {
    const found = await Promise.all(
      tags.map(async (tag) => ((await this.resolve(tag)) === undefined ? [] : [tag])),
    )
    return found.flat()
  }

  /**
   * Writes a manifest that has a subject, and has it listed with that: by the registry, else by the tag for it.
   * @param subject the digest of what it is about
   */
  async putReferrer(bytes: Buffer, entry: Referrer, subject: Digest): Promise<void> {
    const isListed = await this.putManifest(entry.digest, bytes, entry.mediaType)
    if (isListed) return
    const tag = fallbackTag(subject)
    const old = await this.#find(tag)
    const next = addToTagSchema(old?.bytes, entry, `${this.subject}:${tag}`)
    if (next !== undefined) await this.putManifest(tag, next, MEDIA_TYPES.index)
  }

  async #find(reference: string): Promise<StoredManifest | undefined> {
    return await this.manifest(reference).catch((error: unknown) => {
      if (statusOf(error) === 404) return undefined
      throw error
    })
  }

  #remember(stored: StoredManifest): StoredManifest {
    if (!this.#manifests.has(stored.digest)) this.#manifests.set(stored.digest, Promise.resolve(stored))
    return stored
  }

  #readManifest(reference: string): Promise<StoredManifest> {
    return this.#reading(async (endpoint) => {
      const subject = this.#of(reference)
      const { reply, bytes } = await this.#read(endpoint, {
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
      const mediaType = mediaTypeOf(reply, bytes, subject)
      return { bytes, mediaType, digest, fromMirror: endpoint !== this.#endpoints.primary }
    })
  }

  /** Mirrors are a help, not a condition: whatever keeps one from answering, the registry itself is asked next. */
  async #reading<T>(read: (endpoint: Endpoint) => Promise<T>): Promise<T> {
    for (const mirror of this.#endpoints.mirrors) {
      try {
        return await read(mirror)
      } catch {
        // The next one.
      }
    }
    return await read(this.#endpoints.primary)
  }

  /** Asks for a blob of another repository; a reply that opens an upload in its place, or undefined when refused. */
  async #mount(digest: Digest, from: RepositoryName): Promise<'mounted' | HttpReply | undefined> {
    const query = new URLSearchParams({ mount: digest, from: from.path })
    try {
      const reply = await this.#ask(this.#endpoints.primary, {
        method: 'POST',
        path: `blobs/uploads/?${query}`,
        actions: 'pull,push',
        expect: [201, 202],
        further: [`repository:${from.path}:pull`],
        subject: this.#of(digest),
      })
      await reply.dump()
      return reply.status === 201 ? 'mounted' : reply
    } catch (error) {
      const isRefusal = (error as { code?: unknown }).code === 'REGISTRY_REFUSED'
      if (isRefusal || MOUNT_REFUSED.includes(statusOf(error))) return undefined
      throw error
    }
  }

  #of(reference: string): string {
    return `${this.subject}${reference.startsWith('sha256:') ? '@' : ':'}${reference}`
  }

  #uploading(subject: string): UploadRequest {
    const { target, scopes } = this.#request('pull,push', 'blobs/uploads/')
    return {
      endpoint: this.#endpoints.primary,
      target,
      scopes,
      subject,
      pieceBytes: this.#pieceBytes,
      has: (digest) => this.hasBlob(digest),
    }
  }

  #request(
    actions: string,
    path: string,
    further: readonly Scope[] = [],
    endpoint = this.#endpoints.primary,
  ) {
    const repository = endpoint.place.path
    const scopes: Scope[] = [`repository:${repository}:${actions}`, ...further]
    return { target: `/v2/${repository}/${path}`, scopes }
  }

  #read(endpoint: Endpoint, asked: Asked): Promise<{ reply: HttpReply; bytes: Buffer }> {
    const { path, actions, further, ...rest } = asked
    return endpoint.read({ ...rest, ...this.#request(actions, path, further, endpoint) }, DOCUMENT_LIMIT)
  }

  #ask(endpoint: Endpoint, asked: Asked): Promise<HttpReply> {
    const { path, actions, further, ...rest } = asked
    return endpoint.ask({ ...rest, ...this.#request(actions, path, further, endpoint) })
  }
}

interface Asked {
  readonly method: 'GET' | 'HEAD' | 'POST' | 'PUT'
  /** Behind the name of the repository. */
  readonly path: string
  readonly actions: string
  readonly further?: readonly Scope[]
  readonly expect: readonly number[]
  readonly subject: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: Buffer
}

/** Follows the pages of a list; of what does not exist there is none. */
export async function listPages(
  read: (target: string | undefined) => Promise<{ reply: HttpReply; bytes: Buffer }>,
  member: 'tags' | 'repositories',
  subject: string,
): Promise<string[]> {
  const found: string[] = []
  let target: string | undefined
  do {
    const { reply, bytes } = await read(target)
    if (reply.status !== 200) return found
    const value = parseJson(bytes, subject) as Record<string, unknown> | null
    const names = value?.[member]
    if (names !== null && !Array.isArray(names)) throw damaged(`${subject}: its list is none`)
    found.push(...(names ?? []).filter((one): one is string => typeof one === 'string'))
    const next = nextPage(reply.header('link'))
    if (next === target) break
    target = next
  } while (target !== undefined && found.length < LIST_LIMIT)
  return found
}

function nextPage(link: string | undefined): string | undefined {
  return /<([^>]+)>\s*;\s*rel="?next"?/.exec(link ?? '')?.[1]
}

/** By the header, or by the document itself where an old server only says that it is JSON. */
function mediaTypeOf(reply: HttpReply, bytes: Buffer, subject: string): string {
  const header = reply.header('content-type')?.split(';')[0]?.trim() ?? ''
  if (kindOf(header) !== undefined) return header
  const { mediaType } = parseJson(bytes, subject) as { mediaType?: unknown }
  if (typeof mediaType === 'string' && kindOf(mediaType) !== undefined) return mediaType
  throw damaged(`${subject}: it is of the type ${(mediaType ?? header) || 'unknown'}, which is no image`)
}
