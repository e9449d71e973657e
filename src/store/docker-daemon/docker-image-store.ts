// SPDX-License-Identifier: Apache-2.0
// The images of a Docker compatible engine. Nothing is written to this machine's disk and
// no layer of the source crosses the connection, unless the engine insists on all of them.
import type { Readable } from 'node:stream'
import { type Connection, connect, isPodman, readVersion, replyTextOf, statusOf } from '../../docker/index.js'
import { PycdsError } from '../../errors/index.js'
import {
  foreignForm,
  type ImageConfig,
  ImageNames,
  isImageId,
  isImageName,
  lostPath,
  parseDiffId,
  parseReference,
  type RunConfig,
  repositoryOf,
} from '../../image/index.js'
import type { ImageDigests, ImageStore, ListedImage, NewLayer, SourceImage } from '../../ports/index.js'
import { formOnDisk } from '../../util/form-on-disk.js'
import { readExportedConfig } from './exported-config.js'
import { readKeptConfig } from './kept-config.js'
import { listImages } from './list.js'
import { fullArchive, type StoredConfig, shortArchive, storeConfig } from './load-archive.js'
import { readLoadReply } from './load-reply.js'
import { PendingNames } from './pending.js'

/** What the engine tells of an image, as far as it is used. */
interface ImageInspection {
  readonly Id: string
  readonly Os: string
  readonly Architecture: string
  readonly Variant?: string
  readonly Created?: string
  readonly RepoTags?: readonly string[] | null
  readonly Config?: RunConfig | null
  readonly RootFS?: { readonly Layers?: readonly string[] | null }
}

/** How engines say that an archive lacks a layer. */
const LAYER_MISSING = /layer|no such file|not found|missing/i

/** The images of the engine that the environment names. */
export class DockerImageStore implements ImageStore {
  readonly #connection: Connection
  readonly #names: ImageNames
  readonly #pending: PendingNames
  /** Digests of the configurations of new images, by the id that the engine gave them. */
  readonly #configs = new Map<string, string>()

  /** Exact configurations as they are written, by the id of their image. */
  readonly #texts = new Map<string, string>()

  /** @param names gets those that are asked for */
  constructor(connection: Connection = connect(), names = new ImageNames()) {
    this.#connection = connection
    this.#names = names
    this.#pending = new PendingNames(connection)
  }

  async resolve(reference: string): Promise<SourceImage> {
    // Also keeps anything that is no name out of the path of the call.
    if (!isImageId(reference)) assertName(reference)
    const found = await this.#inspect(reference, `image ${reference}`).catch((error) => {
      throw withForm(error, reference)
    })
    this.#names.add(found.Id, reference)
    const diffIds = (found.RootFS?.Layers ?? []).map(parseDiffId)
    return {
      reference,
      id: found.Id,
      config: {
        architecture: found.Architecture,
        os: found.Os,
        ...(found.Variant ? { variant: found.Variant } : {}),
        ...(found.Created ? { created: found.Created } : {}),
        config: found.Config ?? {},
        rootfs: { type: 'layers', diff_ids: diffIds },
        history: [],
      },
      os: found.Os,
      architecture: found.Architecture,
      layers: diffIds.length,
      diffIds,
    }
  }

  async readConfig(image: SourceImage): Promise<ImageConfig> {
    const { config, text } =
      (await readKeptConfig(this.#connection, image)) ??
      (await readExportedConfig(await this.#export(image), image))
    this.#texts.set(image.id, text)
    return config
  }

  async append(image: SourceImage, config: ImageConfig, layer: NewLayer): Promise<string> {
    const stored = storeConfig(config, this.#texts.get(image.id) ?? '{}')
    assertFits(image, stored, layer)
    const subject = `image made from ${image.reference}`
    await this.#pending.sweep()
    const name = this.#pending.next()
    // A bake of the same input gives the same image, which must survive a failure of this one.
    const existing = await this.#find(stored.digest, subject)
    if (existing !== undefined && sameLayers(existing, stored)) {
      await this.#nameIt(existing.Id, splitName(name), subject)
      this.#pending.given(name, existing.Id)
      this.#configs.set(existing.Id, stored.digest)
      return existing.Id
    }
    let made: ImageInspection
    try {
      const id = await this.#load(image, { ...stored, name }, layer, subject)
      made = await this.#inspect(id, subject)
      this.#pending.given(name, made.Id)
      this.#configs.set(made.Id, stored.digest)
    } catch (error) {
      await this.#pending.remove(name).catch(() => undefined) // the first error is the one to report
      throw error
    }
    if (sameLayers(made, stored)) return made.Id
    await this.remove(made.Id)
    throw new PycdsError('ENGINE_FAILED', {
      message: `${subject}: the engine stored other layers than it was given`,
      hint: 'Check the engine and its storage driver; its log tells more.',
    })
  }

  async assertNameable(): Promise<void> {}

  async tag(imageId: string, reference: string): Promise<ImageDigests> {
    const name = parseReference(reference)
    if (name.digest !== undefined) {
      throw new PycdsError('USAGE', {
        message: `image name ${reference}: a name with a digest cannot be given to an image`,
        hint: 'Use NAME:TAG.',
      })
    }
    // Podman would file a short name under Docker's registry, and what it builds itself under this one.
    const isLocal = name.domain === undefined && isPodman(await readVersion(this.#connection))
    const repo = isLocal ? `localhost/${name.path}` : repositoryOf(name)
    const tag = name.tag === undefined ? {} : { tag: name.tag }
    await this.#nameIt(imageId, { repository: repo, ...tag }, `image name ${reference}`)
    await this.#pending.drop(imageId)
    // With a store for manifests, an image is called by the digest of its manifest.
    const config = this.#configs.get(imageId) ?? imageId
    return { config, ...(config === imageId ? {} : { manifest: imageId }) }
  }

  async remove(imageId: string): Promise<void> {
    const subject = `image ${this.#names.of(imageId)}`
    await this.#pending.drop(imageId)
    const found = await this.#find(imageId, subject)
    if (found === undefined || (found.RepoTags ?? []).some((name) => !name.startsWith('<none>'))) return
    try {
      // Parents without a name are not ours to delete.
      await this.#connection.send({
        method: 'DELETE',
        path: `/images/${imageId}`,
        query: { noprune: 'true' },
        subject,
      })
    } catch (error) {
      if (statusOf(error) !== 404) throw error
    }
  }

  /** The names that a pattern fits. */
  list(pattern: string): Promise<ListedImage[]> {
    return listImages(this.#connection, pattern)
  }

  /** All of an image as a Docker archive. */
  exportImage(imageId: string): Promise<Readable> {
    return this.#connection.stream({
      method: 'GET',
      path: `/images/${imageId}/get`,
      subject: `image ${this.#names.of(imageId)}`,
    })
  }

  /** Loads a Docker archive with the names that it has in it. */
  async load(archive: Readable, subject: string): Promise<void> {
    await this.#post(archive, subject)
  }

  /** Loads the short archive, and the full one when the engine does not find the base layers by itself. */
  async #load(image: SourceImage, stored: StoredConfig, layer: NewLayer, subject: string): Promise<string> {
    const name = stored.name ?? stored.digest
    try {
      return (await this.#post(await shortArchive(stored, layer), subject)) ?? name
    } catch (error) {
      const isRefusal = error instanceof PycdsError && error.code === 'ENGINE_FAILED'
      if (!isRefusal || !LAYER_MISSING.test(replyTextOf(error) ?? error.message)) throw error
    }
    const archive = fullArchive(await this.#export(image), image, stored, layer)
    return (await this.#post(archive, subject)) ?? name
  }

  /** Loads an archive; gives what the engine calls the image, if it says so. */
  async #post(tar: Readable | Buffer, subject: string): Promise<string | undefined> {
    const reply = await this.#connection.stream({
      method: 'POST',
      path: '/images/load',
      query: { quiet: 'true' },
      tar,
      subject,
    })
    return await readLoadReply(reply, subject)
  }

  #export(image: SourceImage) {
    return this.#connection.stream({
      method: 'GET',
      path: `/images/${image.id}/get`,
      subject: `image ${image.reference}`,
    })
  }

  async #nameIt(imageId: string, name: { repository: string; tag?: string }, subject: string): Promise<void> {
    await this.#connection.send({
      method: 'POST',
      path: `/images/${imageId}/tag`,
      query: { repo: name.repository, tag: name.tag ?? 'latest' },
      subject,
    })
  }

  async #find(id: string, subject: string): Promise<ImageInspection | undefined> {
    try {
      return await this.#inspect(id, subject)
    } catch (error) {
      if (statusOf(error) === 404) return undefined
      throw error
    }
  }

  #inspect(name: string, subject: string): Promise<ImageInspection> {
    return this.#connection.json<ImageInspection>({ method: 'GET', path: `/images/${name}/json`, subject })
  }
}

/** USAGE for what is no name, with what it is instead. */
function assertName(text: string): void {
  const form = isImageName(text) ? undefined : (formOnDisk(text) ?? lostPath(text))
  if (form === undefined) parseReference(text)
  else
    throw new PycdsError('USAGE', {
      message: `image name ${JSON.stringify(text)}: ${form.reason}`,
      hint: form.hint,
    })
}

/** Tells what the reference is instead of an image of the engine, be it that there is no engine. */
function withForm(error: unknown, reference: string): unknown {
  const form = formOnDisk(reference)
  if (error instanceof PycdsError && error.code === 'ENGINE_UNREACHABLE' && form?.isImage) {
    const { code, message, cause } = error
    return new PycdsError(code, {
      message: `${message}, which was asked for image ${reference}; ${form.reason}`,
      hint: `${form.hint.replace(/\.$/, '')}: that needs no engine.`,
      cause,
    })
  }
  if (statusOf(error) !== 404) return error
  const foreign = form ?? foreignForm(reference)
  if (foreign === undefined) return error
  return new PycdsError('IMAGE_NOT_FOUND', {
    message: `image ${reference}: not found in the engine, and ${foreign.reason}`,
    hint: foreign.hint,
    cause: error,
  })
}

function splitName(name: string): { repository: string; tag: string } {
  const at = name.lastIndexOf(':')
  return { repository: name.slice(0, at), tag: name.slice(at + 1) }
}

function sameLayers(image: ImageInspection, stored: StoredConfig): boolean {
  const layers = image.RootFS?.Layers ?? []
  return layers.length === stored.diffIds.length && stored.diffIds.every((id, i) => id === layers[i])
}

/** A wrong list of base layers would be found out only by an engine that looks, and not by all of them. */
function assertFits(image: SourceImage, stored: StoredConfig, layer: NewLayer): void {
  const base = stored.diffIds.slice(0, -1)
  const fits = base.length >= image.diffIds.length - 1 && base.every((id, i) => id === image.diffIds[i])
  if (fits && stored.diffIds.at(-1) === layer.diffId) return
  throw new PycdsError('INTERNAL', {
    message: `image ${image.reference}: the new configuration does not continue its layers`,
    hint: 'This is a bug in pycds-image; please report it.',
  })
}
