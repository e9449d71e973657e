// SPDX-License-Identifier: Apache-2.0
// Images of an engine whose new images go to a location.
import { createWriteStream } from 'node:fs'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { type ImageConfig, isLocation, parseLocation } from '../../image/index.js'
import { makeTemporary, temporaryError } from '../../oci/index.js'
import type { ImageDigests, ImageStore, NewLayer, SourceImage, Statements } from '../../ports/index.js'
import { present } from '../../util/present.js'
import { LocationStore, type LocationStoreOptions } from './location-store.js'
import { assertPlace } from './media.js'

/** A store that can give all of an image as a Docker archive. */
export interface ExportingStore extends ImageStore {
  exportImage(imageId: string): Promise<Readable>
}

/** Hands everything to the engine's store, but writes an image whose name is a location there. */
export class ExportStore implements ImageStore {
  readonly #inner: ExportingStore
  readonly #options: Pick<LocationStoreOptions, 'registries' | 'signal'>

  constructor(inner: ExportingStore, options: Pick<LocationStoreOptions, 'registries' | 'signal'> = {}) {
    this.#inner = inner
    this.#options = options
  }

  resolve(reference: string): Promise<SourceImage> {
    return this.#inner.resolve(reference)
  }

  readConfig(image: SourceImage): Promise<ImageConfig> {
    return this.#inner.readConfig(image)
  }

  append(image: SourceImage, config: ImageConfig, layer: NewLayer): Promise<string> {
    return this.#inner.append(image, config, layer)
  }

  async assertNameable(reference: string): Promise<void> {
    const location = parseLocation(reference)
    if (location !== undefined) await assertPlace(location, this.#options.registries)
  }

  async tag(imageId: string, reference: string, statements?: Statements): Promise<ImageDigests> {
    if (!isLocation(reference)) return await this.#inner.tag(imageId, reference)
    const directory = await makeTemporary()
    try {
      const file = join(directory, 'image.tar')
      await this.#saveTo(file, imageId)
      const store = new LocationStore(this.#options)
      const image = await store.resolve(`docker-archive:${file}`)
      const digests = await store.tag(image.id, reference, statements)
      // It has done its service; without a name nobody would find it in the engine.
      await this.#inner.remove(imageId)
      return digests
    } finally {
      await rm(directory, { recursive: true, force: true })
    }
  }

  async #saveTo(file: string, imageId: string): Promise<void> {
    const { signal } = this.#options
    try {
      await pipeline(await this.#inner.exportImage(imageId), createWriteStream(file), present({ signal }))
    } catch (error) {
      throw temporaryError(error)
    }
  }

  remove(imageId: string): Promise<void> {
    return this.#inner.remove(imageId)
  }
}
