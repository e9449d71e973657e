// SPDX-License-Identifier: Apache-2.0
// From an index to its images: nested indexes are followed, circles end the search, and what is no image is told apart:
// attestations, signatures and other artifacts lie beside images or among them.
import {
  artifactTypeOf,
  type Descriptor,
  type Digest,
  kindOf,
  type Platform,
  REFERENCE_TYPE,
  validateConfig,
  validateIndex,
  validateManifest,
} from '../image/index.js'
import { type BlobSource, damaged, readDocument } from './blobs.js'

/** A manifest that an index leads to. */
export interface FoundImage {
  readonly descriptor: Descriptor
  /** Undefined for what is no image of a platform, such as an attestation. */
  readonly platform: Platform | undefined
  /** The one of the descriptors asked for that leads to it. */
  readonly root: Descriptor
}

/** Indexes within indexes; tools write two levels. */
const DEPTH_LIMIT = 8
const COUNT_LIMIT = 1000

/** Finds all manifests below some descriptors; IMAGE_INVALID for circles and missing blobs. */
export async function findImages(source: BlobSource, roots: readonly Descriptor[]): Promise<FoundImage[]> {
  const found = new Map<Digest, FoundImage>()
  const walk = async (descriptor: Descriptor, root: Descriptor, above: readonly Digest[]): Promise<void> => {
    if (kindOf(descriptor.mediaType) !== 'index') {
      if (found.size >= COUNT_LIMIT)
        throw damaged(`${source.subject}: it has more than ${COUNT_LIMIT} manifests`)
      const platform = await platformOf(source, descriptor)
      if (!found.has(descriptor.digest)) found.set(descriptor.digest, { descriptor, platform, root })
      return
    }
    if (above.includes(descriptor.digest)) throw damaged(`${source.subject}: its indexes form a circle`)
    if (above.length >= DEPTH_LIMIT) {
      throw damaged(`${source.subject}: its indexes are nested more than ${DEPTH_LIMIT} deep`)
    }
    const { value } = await readDocument(source, descriptor, 'index')
    const index = validateIndex(value, `${source.subject}: index ${descriptor.digest}`)
    for (const entry of index.manifests) await walk(entry, root, [...above, descriptor.digest])
  }
  for (const root of roots) await walk(root, root, [])
  return [...found.values()]
}

/**
 * The platform of an image; undefined for what is none. Builders mark that by a platform that does not exist, by an
 * annotation or by a type; what they do not mark is told by its manifest.
 */
async function platformOf(source: BlobSource, descriptor: Descriptor): Promise<Platform | undefined> {
  const { platform, annotations, artifactType } = descriptor
  if (kindOf(descriptor.mediaType) === undefined || artifactType) return undefined
  if (annotations?.[REFERENCE_TYPE] !== undefined || platform?.os === 'unknown') return undefined
  // An index may name platforms whose manifests are elsewhere.
  if (platform?.os && platform.architecture) return platform
  const { value } = await readDocument(source, descriptor, 'manifest')
  const manifest = validateManifest(value, `${source.subject}: manifest ${descriptor.digest}`)
  if (artifactTypeOf(manifest) !== undefined) return undefined
  const config = validateConfig(
    (await readDocument(source, manifest.config, 'configuration')).value,
    `${source.subject}: configuration ${manifest.config.digest}`,
  )
  const { os, architecture, variant } = config
  return { os, architecture, ...(variant ? { variant } : {}) }
}
