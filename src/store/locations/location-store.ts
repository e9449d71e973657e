// SPDX-License-Identifier: Apache-2.0
// Images in layouts, archives and registries. A new image exists only in memory until it is given its name, which is when all
// of it is written: whatever goes wrong before leaves no trace on the disk.
import { rm } from 'node:fs/promises'
import { addAbortSignal, PassThrough, type Readable } from 'node:stream'
import { PycdsError } from '../../errors/index.js'
import {
  DEFAULT_TAG,
  type Descriptor,
  type Digest,
  formatLocation,
  formatReference,
  type ImageConfig,
  type ImageNames,
  isDigestText,
  isLocation,
  LOCATION_HINT,
  type Location,
  MEDIA_TYPES,
  type Platform,
  parseLocation,
  parseReference,
} from '../../image/index.js'
import {
  appendTo,
  type Blob,
  chooseEntries,
  compressLayers,
  type FoundImage,
  findImages,
  type ImageContents,
  type Medium,
  makeReferrer,
  makeTemporary,
  manifestDescriptor,
  nameOf,
  openImage,
  parsePlatform,
  planPublication,
  type Referrer,
  selectImage,
  temporaryError,
} from '../../oci/index.js'
import type {
  ImageDigests,
  ImageStore,
  IndexStore,
  NewLayer,
  SourceImage,
  Statements,
} from '../../ports/index.js'
import type { Registries } from '../../registry/index.js'
import { writeTar } from '../../tar/index.js'
import { present } from '../../util/present.js'
import { membersOf } from '../docker-archive/index.js'
import { assertPlace, openMedium, writeMedium } from './media.js'

/** Where an image was found, and what surrounds it there. */
interface Origin {
  readonly medium: Medium
  /** What the location names: a manifest, or an index around it. */
  readonly roots: readonly Descriptor[]
  /** The manifest of the image. */
  readonly manifest: Digest
}

interface Known {
  readonly contents: ImageContents
  readonly origin: Origin
}

export interface LocationStoreOptions {
  /** Which image of an index is meant; absent: the one for this machine. */
  readonly platform?: Platform
  /** What registries are spoken to by; absent: no location is one of a registry. */
  readonly registries?: Registries
  /** Gets those that are asked for. */
  readonly names?: ImageNames
  /** Stops what is being written. */
  readonly signal?: AbortSignal
  /** Puts a Docker archive into an engine, for images whose new name is one of an engine. */
  load?(archive: Readable, subject: string): Promise<void>
}

/** The images of layouts, archives and registries. */
export class LocationStore implements IndexStore {
  readonly #options: LocationStoreOptions
  readonly #known: Map<string, Known>
  readonly #made: Map<string, Known>

  /** @param base whose images are known here too */
  constructor(options: LocationStoreOptions = {}, base?: LocationStore) {
    this.#options = options
    this.#known = base ? base.#known : new Map()
    this.#made = base ? base.#made : new Map()
  }

  forPlatform(platform: string): ImageStore {
    return new LocationStore({ ...this.#options, platform: parsePlatform(platform) }, this)
  }

  /** @param reference a location, or the id of an image that was resolved or made here */
  async resolve(reference: string): Promise<SourceImage> {
    if (isDigestText(reference)) return this.#byId(reference)
    const location = locationOf(reference)
    const { medium, roots: all } = await this.#open(location)
    const images = await findImages(medium, all)
    const { descriptor, root } = selectImage(images, medium.subject, this.#options.platform)
    const besides = images.filter((one) => one.root.digest === root.digest && one.descriptor !== descriptor)
    // Without a name, nothing but a place makes them one.
    const roots = nameOf(root) === undefined ? [root] : all
    const contents = await openImage(medium, descriptor)
    this.#known.set(contents.id, { contents, origin: { medium, roots, manifest: descriptor.digest } })
    this.#options.names?.add(contents.id, reference)
    return {
      ...describe(reference, contents),
      name: formatLocation(withName(location, roots)),
      // A Docker archive has no manifests; those that it is read by are made up.
      ...(location.kind === 'docker-archive'
        ? {}
        : {
            manifest: descriptor.digest,
            target: root.digest,
            besides: besides.map((one) => one.descriptor.digest),
          }),
    }
  }

  async readConfig(image: SourceImage): Promise<ImageConfig> {
    return this.contents(image.id).config
  }

  async append(image: SourceImage, config: ImageConfig, layer: NewLayer): Promise<string> {
    const { origin } = this.#require(image.id)
    const contents = appendTo(this.contents(image.id), config, layer)
    this.#made.set(contents.id, { contents, origin })
    return contents.id
  }

  async assertNameable(reference: string): Promise<void> {
    const location = parseLocation(reference)
    if (location !== undefined) await assertPlace(location, this.#options.registries)
  }

  async tag(imageId: string, reference: string, statements?: Statements): Promise<ImageDigests> {
    const config = imageId
    if (!isLocation(reference)) {
      await this.#load(imageId, reference)
      return { config }
    }
    const about = new Map(statements ? [[imageId, statements]] : [])
    const manifest = await this.publish([imageId], reference, about)
    return { config, ...present({ manifest }) }
  }

  async remove(imageId: string): Promise<void> {
    this.#made.delete(imageId)
  }

  /** The images that can be named by a location, one for each platform. */
  async platforms(reference: string): Promise<Platform[]> {
    const { medium, roots } = await this.#open(locationOf(reference))
    const found: readonly FoundImage[] = await findImages(medium, roots)
    return found.flatMap(({ platform }) => (platform === undefined ? [] : [platform]))
  }

  /** Every part of an image that was resolved or made here. */
  contents(imageId: string): ImageContents {
    return this.#require(imageId).contents
  }

  async publish(
    imageIds: readonly string[],
    reference: string,
    statements: ReadonlyMap<string, Statements> = new Map(),
  ): Promise<Digest | undefined> {
    const location = locationOf(reference)
    const known = imageIds.map((id) => this.#require(id))
    if (location.kind !== 'registry') return await this.#write(known, location, statements)
    const directory = await makeTemporary()
    try {
      const images = await Promise.all(
        known.map(async ({ origin, contents }) => ({
          origin,
          contents: await compressLayers(contents, directory),
        })),
      )
      return await this.#write(images, location, statements)
    } catch (error) {
      throw temporaryError(error)
    } finally {
      await rm(directory, { recursive: true, force: true })
    }
  }

  async #write(
    images: readonly Known[],
    location: Location,
    statements: ReadonlyMap<string, Statements>,
  ): Promise<Digest | undefined> {
    const [first] = images
    if (first === undefined) throw new Error('nothing to publish')
    const { medium } = first.origin
    const roots = withoutRepeats(images.flatMap(({ origin }) => origin.roots))
    const replaced = new Map(images.map(({ origin, contents }) => [origin.manifest, contents]))
    const isArchive = location.kind === 'docker-archive'
    // An archive of Docker has no place for them.
    const about = (image: ImageContents) => (isArchive ? undefined : referrerOf(image, statements))
    const publication = await planPublication(medium, roots, replaced, about)
    const { signal } = this.#options
    const blobs = new Map([...publication.blobs].map(([digest, blob]) => [digest, readUntil(signal, blob)]))
    const entry = {
      publication: { ...publication, blobs },
      name: location.name,
      images: isArchive ? images.map(({ contents }) => contentsUntil(signal, contents)) : [],
    }
    signal?.throwIfAborted()
    const digest = await writeMedium(location, entry, this.#options.registries)
    return isArchive ? undefined : (digest ?? publication.descriptors[0]?.digest)
  }

  async #open(location: Location): Promise<{ medium: Medium; roots: readonly Descriptor[] }> {
    const medium = await openMedium(location, this.#options.registries)
    return { medium, roots: await chooseEntries(medium, location) }
  }

  async #load(imageId: string, reference: string): Promise<void> {
    const image = contentsUntil(this.#options.signal, this.contents(imageId))
    const { tag = DEFAULT_TAG, ...name } = parseReference(reference)
    const subject = `image ${reference}`
    const archive = new PassThrough()
    const members = membersOf(undefined, {
      image,
      name: formatReference({ ...name, tag }),
      subject: image.subject,
    })
    const written = writeTar(archive, members)
    written.catch(() => {}) // the engine sees a stream that breaks off, and whoever awaits it the reason
    const [loading, writing] = await Promise.allSettled([this.#options.load?.(archive, subject), written])
    if (writing.status === 'rejected') throw writing.reason
    if (loading.status === 'rejected') throw loading.reason
  }

  #byId(id: string): SourceImage {
    const known = this.#known.get(id) ?? this.#made.get(id)
    if (known) return describe(id, known.contents)
    throw new PycdsError('IMAGE_NOT_FOUND', {
      message: `image ${id}: no location was named that has it`,
      hint: LOCATION_HINT,
    })
  }

  #require(imageId: string): Known {
    const known = this.#made.get(imageId) ?? this.#known.get(imageId)
    if (known !== undefined) return known
    throw new PycdsError('INTERNAL', {
      message: `image ${imageId}: it was not resolved before`,
      hint: 'This is a bug in pycds-image; please report it.',
    })
  }
}

/** The same blob, whose reading ends when the signal comes. */
function readUntil(signal: AbortSignal | undefined, blob: Blob): Blob {
  if (signal === undefined) return blob
  const { digest, size, origin } = blob
  const open = async () => addAbortSignal(signal, await blob.open())
  return { digest, size, ...present({ origin }), open, prefetch: () => blob.prefetch?.() }
}

function contentsUntil(signal: AbortSignal | undefined, contents: ImageContents): ImageContents {
  const layers = contents.layers.map((layer) => ({ ...layer, blob: readUntil(signal, layer.blob) }))
  return { ...contents, layers }
}

/** What is said of an image, as an artifact about its manifest. */
function referrerOf(image: ImageContents, statements: ReadonlyMap<string, Statements>): Referrer | undefined {
  const { mediaType = MEDIA_TYPES.manifest } = image.manifest
  const subject = manifestDescriptor(image, { mediaType })
  const said = statements.get(image.id)?.(subject.digest) ?? []
  return said.length > 0 ? makeReferrer(subject, said) : undefined
}

/** Images of one place are found each on its own, and some under the same entry. */
function withoutRepeats(entries: readonly Descriptor[]): Descriptor[] {
  const keys = entries.map((entry) => `${entry.digest} ${nameOf(entry)}`)
  return entries.filter((_, at) => keys.indexOf(keys[at] ?? '') === at)
}

/** The location with the name that the entry has, where none was given. */
function withName(location: Location, roots: readonly Descriptor[]): Location {
  const name = roots[0] && nameOf(roots[0])
  if (location.name !== undefined || location.digest !== undefined || name === undefined) return location
  const full = `${formatLocation(location)}:${name}`
  try {
    return parseLocation(full) ?? location
  } catch {
    return location // a name that cannot be written in a location is as good as none
  }
}

function locationOf(reference: string): Location {
  const location = parseLocation(reference)
  if (location !== undefined) return location
  throw new PycdsError('USAGE', {
    message: `image ${reference}: it is not a location`,
    hint: LOCATION_HINT,
  })
}

function describe(reference: string, { config, id, layers }: ImageContents): SourceImage {
  const { os, architecture, rootfs } = config
  return { reference, id, config, os, architecture, layers: layers.length, diffIds: rootfs.diff_ids }
}
