// SPDX-License-Identifier: Apache-2.0
// One repository of a registry: its manifests, blobs and tags, and what is said of them.
import type { Readable } from 'node:stream'
import { type Digest, MEDIA_TYPES, validateIndex } from '../image/index.js'
import { type Blob, damaged, parseJson } from '../oci/index.js'
import { addressOf, DOCUMENT_LIMIT, type RepositoryEndpoints, within } from './asked.js'
import { Blobs } from './blobs.js'
import { Manifests, type StoredManifest } from './manifests.js'
import { formatRepository, type RepositoryName } from './name.js'
import { followPages, listPages } from './pages.js'
import { addToTagSchema, fallbackTag, type Referrer, referrersIn } from './referrers.js'
import type { Secrets } from './secrets.js'

const PAGE = 1000
const MAX_REFERRERS = 10_000

export class Repository {
  readonly name: RepositoryName
  readonly #endpoints: RepositoryEndpoints
  readonly #manifests: Manifests
  readonly #blobs: Blobs

  /** @param o.pieceBytes larger blobs are sent in pieces of so many bytes */
  constructor(
    name: RepositoryName,
    o: { endpoints: RepositoryEndpoints; secrets: Secrets; pieceBytes?: number },
  ) {
    this.name = name
    this.#endpoints = o.endpoints
    this.#manifests = new Manifests(o.endpoints, this.subject)
    this.#blobs = new Blobs({ ...o, subject: this.subject })
  }

  /** As it starts an error message. */
  get subject(): string {
    return `registry:${formatRepository(this.name)}`
  }

  /**
   * Reads a manifest or index; IMAGE_NOT_FOUND when there is none, IMAGE_INVALID for content of another digest.
   * @param reference a tag or a digest
   */
  manifest(reference: string): Promise<StoredManifest> {
    return this.#manifests.get(reference)
  }

  /** The digest that a tag points at; undefined when there is no such tag. */
  resolve(reference: string): Promise<Digest | undefined> {
    return this.#manifests.resolve(reference)
  }

  /**
   * Writes a manifest or index.
   * @param reference a tag, or its own digest
   */
  async putManifest(reference: string, bytes: Buffer, mediaType: string): Promise<void> {
    await this.#manifests.put(reference, bytes, mediaType)
  }

  /**
   * Reads a blob; the content is not compared with its digest here. The stream goes on by itself when a connection
   * breaks.
   * @param size bytes
   */
  readBlob(digest: Digest, size: number): Readable {
    return this.#blobs.read(digest, size)
  }

  /** Whether a blob may be written here; throws what keeps it from being. */
  assertWritable(): Promise<void> {
    return this.#blobs.assertWritable()
  }

  /**
   * Puts a blob into the repository, unless it has it.
   * @param from a repository of the same registry that has it, from which it need not be sent
   * @returns what it took
   */
  putBlob(blob: Blob, from?: RepositoryName): Promise<'there' | 'mounted' | 'sent'> {
    return this.#blobs.put(blob, from)
  }

  /** All tags, as the registry sorts them; none for a repository that it has not. */
  async tags(): Promise<string[]> {
    const { primary } = this.#endpoints
    const address = addressOf(primary, { path: `tags/list?n=${PAGE}`, actions: 'pull' })
    const page = (target = address.target) =>
      primary.read(
        {
          ...address,
          method: 'GET',
          target,
          expect: [200, 404],
          subject: `${this.subject}: its tags`,
          sameScheme: true,
        },
        DOCUMENT_LIMIT,
      )
    return await listPages(page, 'tags', this.subject)
  }

  /** Which of some tags there are. */
  async existing(tags: readonly string[]): Promise<string[]> {
    const found = await Promise.all(
      tags.map(async (tag) => ((await this.resolve(tag)) === undefined ? [] : [tag])),
    )
    return found.flat()
  }

  /** What there is about a manifest: by the registry's own list, else by the tag that stands for it. */
  async referrers(digest: Digest): Promise<Referrer[]> {
    const { primary } = this.#endpoints
    const address = addressOf(primary, { path: `referrers/${digest}`, actions: 'pull' })
    const page = (target = address.target) =>
      primary.read(
        {
          ...address,
          method: 'GET',
          target,
          expect: [200, 400, 404, 405, 501],
          headers: { accept: MEDIA_TYPES.index },
          subject: within(this.subject, digest),
          sameScheme: true,
        },
        DOCUMENT_LIMIT,
      )
    const subject = `${this.subject}: referrers of ${digest}`
    const found = new Map<string, Referrer>()
    let isList = false
    await followPages(page, subject, ({ reply, bytes }) => {
      if (reply.status !== 200 || reply.header('content-type')?.startsWith(MEDIA_TYPES.index) !== true)
        return 'enough'
      isList = true
      const before = found.size
      for (const entry of referrersIn(validateIndex(parseJson(bytes, subject), subject)))
        found.set(entry.digest, entry)
      if (found.size > MAX_REFERRERS) throw damaged(`${subject}: there are more than ${MAX_REFERRERS}`)
      return found.size > before ? 'more' : 'nothing'
    })
    if (isList) return [...found.values()]
    const listed = await this.#manifests.find(fallbackTag(digest))
    return listed === undefined ? [] : referrersIn(validateIndex(parseJson(listed.bytes, subject), subject))
  }

  /**
   * Writes a manifest that has a subject, and has it listed with that: by the registry, else by the tag for it.
   * @param subject the digest of what it is about
   */
  async putReferrer(bytes: Buffer, entry: Referrer, subject: Digest): Promise<void> {
    const isListed = await this.#manifests.put(entry.digest, bytes, entry.mediaType)
    if (isListed) return
    const tag = fallbackTag(subject)
    const old = await this.#manifests.find(tag)
    const next = addToTagSchema(old?.bytes, entry, `${this.subject}:${tag}`)
    if (next !== undefined) await this.putManifest(tag, next, MEDIA_TYPES.index)
  }
}
