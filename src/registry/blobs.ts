// SPDX-License-Identifier: Apache-2.0
// Blobs of one repository: read, looked for, and put there with as little sent as will do.
import type { Readable } from 'node:stream'
import type { Digest } from '../image/index.js'
import type { Blob } from '../oci/index.js'
import { addressOf, ask, type RepositoryEndpoints, within } from './asked.js'
import { download } from './download.js'
import { statusOf } from './error.js'
import type { RepositoryName } from './name.js'
import type { Secrets } from './secrets.js'
import type { HttpReply } from './transport.js'
import { PIECE, tryUpload, type UploadRequest, upload } from './upload.js'

const MOUNT_REFUSED: readonly (number | undefined)[] = [400, 401, 403, 404, 405, 422]

export interface BlobsOptions {
  readonly endpoints: RepositoryEndpoints
  /** The repository, as it starts an error message. */
  readonly subject: string
  readonly secrets: Secrets
  /** See {@link PIECE}. */
  readonly pieceBytes?: number
}

export class Blobs {
  readonly #endpoints: RepositoryEndpoints
  readonly #subject: string
  readonly #secrets: Secrets
  readonly #pieceBytes: number

  constructor(options: BlobsOptions) {
    this.#endpoints = options.endpoints
    this.#subject = options.subject
    this.#secrets = options.secrets
    this.#pieceBytes = options.pieceBytes ?? PIECE
  }

  /**
   * Reads one; the content is not compared with its digest here. The stream goes on by itself when a connection breaks.
   * @param size bytes
   */
  read(digest: Digest, size: number): Readable {
    const { mirrors, primary } = this.#endpoints
    const subject = within(this.#subject, digest)
    return download(
      [...mirrors, primary],
      (endpoint) => ({ ...addressOf(endpoint, { path: `blobs/${digest}`, actions: 'pull' }), subject }),
      size,
      this.#secrets,
    )
  }

  /** Whether one may be written; throws what keeps it from being. */
  async assertWritable(): Promise<void> {
    await tryUpload(this.#uploading(this.#subject))
  }

  /**
   * Puts one into the repository, unless it has it.
   * @param from a repository of the same registry that has it, from which it need not be sent
   * @returns what it took
   */
  async put(blob: Blob, from?: RepositoryName): Promise<'there' | 'mounted' | 'sent'> {
    const uploading = this.#uploading(within(this.#subject, blob.digest))
    if (from !== undefined) {
      const begun = await this.#mount(blob.digest, from)
      if (begun === 'mounted') return 'mounted'
      if (begun !== undefined) {
        await upload(uploading, blob, begun)
        return 'sent'
      }
    }
    if (await this.#has(blob.digest)) return 'there'
    await upload(uploading, blob)
    return 'sent'
  }

  async #has(digest: Digest): Promise<boolean> {
    const reply = await ask(this.#endpoints.primary, {
      method: 'HEAD',
      path: `blobs/${digest}`,
      actions: 'pull,push',
      expect: [200, 404],
      subject: within(this.#subject, digest),
    })
    await reply.dump()
    return reply.status === 200
  }

  /** Asks for a blob of another repository; a reply that opens an upload in its place, or undefined when refused. */
  async #mount(digest: Digest, from: RepositoryName): Promise<'mounted' | HttpReply | undefined> {
    const query = new URLSearchParams({ mount: digest, from: from.path })
    try {
      const reply = await ask(this.#endpoints.primary, {
        method: 'POST',
        path: `blobs/uploads/?${query}`,
        actions: 'pull,push',
        expect: [201, 202],
        further: [`repository:${from.path}:pull`],
        subject: within(this.#subject, digest),
      })
      await reply.dump()
      return reply.status === 201 ? 'mounted' : reply
    } catch (error) {
      const isRefusal = (error as { code?: unknown }).code === 'REGISTRY_REFUSED'
      if (isRefusal || MOUNT_REFUSED.includes(statusOf(error))) return undefined
      throw error
    }
  }

  #uploading(subject: string): UploadRequest {
    const endpoint = this.#endpoints.primary
    return {
      endpoint,
      ...addressOf(endpoint, { path: 'blobs/uploads/', actions: 'pull,push' }),
      subject,
      pieceBytes: this.#pieceBytes,
      has: (digest) => this.#has(digest),
    }
  }
}
