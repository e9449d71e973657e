// SPDX-License-Identifier: Apache-2.0
// What was read of registries: for one command alone, or in a directory that others find it in again. Several blobs are
// fetched at a time; each is checked as it arrives and gets its name when it is whole.
import { createReadStream, createWriteStream } from 'node:fs'
import { readdir, rm, stat, utimes } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { pipeline } from 'node:stream/promises'
import { PycdsError } from '../errors/index.js'
import { blobPath, type Digest } from '../image/index.js'
import { makeTemporary, notKept, temporaryError, verify } from '../oci/index.js'
import { makeDirectories } from '../util/make-directories.js'
import { removeAbandoned, writeWhole } from '../util/staging.js'
import { Slots } from './slots.js'

/** A blob that can be fetched. */
export interface Fetchable {
  readonly digest: Digest
  /** Bytes. */
  readonly size: number
  /** As it starts an error message. */
  readonly subject: string
  fetch(): Readable
}

/** Kept in memory where nothing is kept for longer: manifests' companions, not layers. */
const SMALL = 1024 * 1024
const AT_A_TIME = 4
const CHUNK = 128 * 1024

export interface BlobCacheOptions {
  /** Absent: a temporary one, which is removed at the end. */
  readonly directory?: string
  /** Bytes that may stay in the directory; what was not used for longest goes first. */
  readonly limitBytes?: number
}

export class BlobCache {
  readonly #options: BlobCacheOptions
  readonly #slots = new Slots(AT_A_TIME)
  readonly #small = new Map<Digest, Promise<Buffer>>()
  readonly #files = new Map<Digest, Promise<string>>()
  #temporary: Promise<string> | undefined

  constructor(options: BlobCacheOptions = {}) {
    this.#options = options
  }

  /** Reads a blob; its content has been compared with its digest. */
  async open(blob: Fetchable): Promise<Readable> {
    if (this.#isSmall(blob)) {
      const bytes = await this.#remember(this.#small, blob, () => this.#slots.run(() => readAll(blob)))
      return Readable.from(bytes.length > 0 ? [bytes] : [], { objectMode: false })
    }
    const path = await this.#file(blob)
    if (await isFile(path, blob.size)) return createReadStream(path, { highWaterMark: CHUNK })
    // Another process has removed it in between.
    this.#files.delete(blob.digest)
    return createReadStream(await this.#file(blob), { highWaterMark: CHUNK })
  }

  /** Begins to fetch a blob that will be opened. What fails is tried again, and told, then. */
  prefetch(blob: Fetchable): void {
    if (!this.#isSmall(blob)) this.#file(blob).catch(() => {})
  }

  /** Removes what is not to be kept. */
  async close(): Promise<void> {
    const { directory, limitBytes } = this.#options
    await Promise.allSettled(this.#files.values())
    const temporary = await this.#temporary?.catch(() => undefined)
    if (temporary !== undefined) await rm(temporary, { recursive: true, force: true })
    if (directory !== undefined && limitBytes !== undefined && this.#files.size > 0) {
      await shrink(join(directory, 'blobs/sha256'), limitBytes)
    }
  }

  #isSmall({ size }: Fetchable): boolean {
    return this.#options.directory === undefined && size <= SMALL
  }

  #file(blob: Fetchable): Promise<string> {
    return this.#remember(this.#files, blob, () => this.#slots.run(() => this.#obtain(blob)))
  }

  #remember<T>(kept: Map<Digest, Promise<T>>, { digest }: Fetchable, make: () => Promise<T>): Promise<T> {
    const known = kept.get(digest)
    if (known !== undefined) return known
    const made = make()
    kept.set(digest, made)
    made.catch(() => kept.delete(digest))
    return made
  }

  async #obtain(blob: Fetchable): Promise<string> {
    const { directory } = this.#options
    const path = join(directory ?? (await this.#temporaryDirectory()), blobPath(blob.digest))
    if (directory !== undefined && (await isSound(path, blob))) {
      const now = new Date()
      await utimes(path, now, now).catch(() => {}) // it may belong to somebody else
      return path
    }
    try {
      await makeDirectories(dirname(path))
      if (this.#files.size <= 1) await removeAbandoned(dirname(path))
      await writeWhole(path, async (staged) => {
        const content = verify(blob.fetch(), blob.digest, `${blob.subject}: blob`)
        await pipeline(content, createWriteStream(staged, { flags: 'wx', mode: 0o644 }))
      })
    } catch (error) {
      throw directory === undefined ? temporaryError(error) : unwritable(error, directory)
    }
    return path
  }

  #temporaryDirectory(): Promise<string> {
    this.#temporary ??= makeTemporary()
    return this.#temporary
  }
}

function unwritable(error: unknown, directory: string): unknown {
  const isOfFiles =
    !(error instanceof PycdsError) && typeof (error as NodeJS.ErrnoException).code === 'string'
  return isOfFiles ? notKept('--cache-dir', directory, error) : error
}

async function readAll(blob: Fetchable): Promise<Buffer> {
  return await buffer(verify(blob.fetch(), blob.digest, `${blob.subject}: blob`))
}

async function isFile(path: string, size: number): Promise<boolean> {
  const found = await stat(path).catch(() => undefined)
  return found?.isFile() === true && found.size === size
}

/** Whether a file that was kept is still what it was; one that is not is removed. */
async function isSound(path: string, { digest, size }: Fetchable): Promise<boolean> {
  if (!(await isFile(path, size))) return false
  try {
    for await (const _ of verify(createReadStream(path, { highWaterMark: CHUNK }), digest, path));
    return true
  } catch {
    await rm(path, { force: true })
    return false
  }
}

async function shrink(folder: string, limit: number): Promise<void> {
  const names = await readdir(folder).catch(() => [])
  const files = await Promise.all(
    names.map(async (name) => {
      const found = await stat(join(folder, name)).catch(() => undefined)
      return found?.isFile() === true ? [{ name, size: found.size, used: found.mtimeMs }] : []
    }),
  )
  const kept = files.flat().sort((a, b) => a.used - b.used)
  let total = kept.reduce((sum, { size }) => sum + size, 0)
  for (const { name, size } of kept) {
    if (total <= limit) return
    await rm(join(folder, name), { force: true })
    total -= size
  }
}
