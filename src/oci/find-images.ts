// SPDX-License-Identifier: Apache-2.0
// From an index to its images: nested indexes are followed, attestations are told apart, circles end the search.
import {
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
}

/** Indexes within indexes; tools write two levels. */
const DEPTH_LIMIT = 8
const COUNT_LIMIT = 1000

/** Finds all manifests below some descriptors; IMAGE_INVALID for circles, unknown media types and missing blobs. */
export async function findImages(source: BlobSource, roots: readonly Descriptor[]): Promise<FoundImage[]> {
  const found = new Map<Digest, FoundImage>()
  const walk = async (descriptor: Descriptor, above: readonly Digest[]): Promise<void> => {
    const kind = kindOf(descriptor.mediaType)
    if (kind === undefined) {
      throw damaged(
        `${source.subject}: ${descriptor.digest} has the unknown media type ${descriptor.mediaType}`,
      )
    }
    if (kind === 'manifest') {
      if (found.size >= COUNT_LIMIT)
        throw damaged(`${source.subject}: it has more than ${COUNT_LIMIT} manifests`)
      const platform = await platformOf(source, descriptor)
      found.set(descriptor.digest, { descriptor, platform })
      return
    }
    if (above.includes(descriptor.digest)) throw damaged(`${source.subject}: its indexes form a circle`)
    if (above.length >= DEPTH_LIMIT) {
      throw damaged(`${source.subject}: its indexes are nested more than ${DEPTH_LIMIT} deep`)
    }
    const { value } = await readDocument(source, descriptor, 'index')
    const index = validateIndex(value, `${source.subject}: index ${descriptor.digest}`)
    for (const entry of index.manifests) await walk(entry, [...above, descriptor.digest])
  }
  for (const root of roots) await walk(root, [])
  return [...found.values()]
}

/** Builders mark what is no platform by an annotation, or by a platform that does not exist. */
async function platformOf(source: BlobSource, descriptor: Descriptor): Promise<Platform | undefined> {
  const { platform, annotations } = descriptor
  if (annotations?.[REFERENCE_TYPE] !== undefined || platform?.os === 'unknown') return undefined
  if (platform !== undefined) return platform
  const { value } = await readDocument(source, descriptor, 'manifest')
  const manifest = validateManifest(value, `${source.subject}: manifest ${descriptor.digest}`)
  const config = validateConfig((await readDocument(source, manifest.config, 'configuration')).value)
  const { os, architecture, variant } = config
  return { os, architecture, ...(variant ? { variant } : {}) }
}
