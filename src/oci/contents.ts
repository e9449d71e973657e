// SPDX-License-Identifier: Apache-2.0
// An image with every part within reach, wherever it lies: what stores open, engines unpack and writers write.
import type { Readable } from 'node:stream'
import { PycdsError } from '../errors/index.js'
import {
  type Compression,
  compressionOf,
  type Descriptor,
  type DiffId,
  type Digest,
  type ImageConfig,
  type Manifest,
  sha256Digest,
  validateConfig,
  validateManifest,
} from '../image/index.js'
import {
  type Blob,
  type BlobSource,
  damaged,
  openVerified,
  readDocument,
  requireBlob,
  verify,
} from './blobs.js'
import { decompress } from './decompress.js'

/** One layer. */
export interface LayerContents {
  readonly descriptor: Descriptor
  readonly diffId: DiffId
  readonly compression: Compression
  /** As it is stored. */
  readonly blob: Blob
}

export interface ImageContents {
  /** The digest of its configuration, which is what engines call the image id. */
  readonly id: Digest
  /** Where it lies, as it starts an error message. */
  readonly subject: string
  readonly config: ImageConfig
  readonly configBytes: Buffer
  readonly manifest: Manifest
  readonly manifestBytes: Buffer
  /** Oldest first. */
  readonly layers: readonly LayerContents[]
}

/** Opens the image of a manifest. Its layers are found, but only read when they are asked for. */
export async function openImage(source: BlobSource, descriptor: Descriptor): Promise<ImageContents> {
  const { bytes: manifestBytes, value } = await readDocument(source, descriptor, 'manifest')
  const subject = `${source.subject}: manifest ${descriptor.digest}`
  const manifest = validateManifest(value, subject)
  const { bytes: configBytes, value: rawConfig } = await readDocument(
    source,
    manifest.config,
    'configuration',
  )
  const config = validateConfig(rawConfig, `${source.subject}: configuration ${manifest.config.digest}`)
  const diffIds = config.rootfs.diff_ids
  if (diffIds.length !== manifest.layers.length) {
    throw damaged(`${subject}: it has ${manifest.layers.length} layers, its configuration ${diffIds.length}`)
  }
  const layers = await Promise.all(
    manifest.layers.map(async (layer, index): Promise<LayerContents> => {
      const compression = compressionOf(layer.mediaType)
      const diffId = diffIds[index]
      if (compression === undefined || diffId === undefined) {
        throw unreadableLayer(subject, layer)
      }
      return { descriptor: layer, diffId, compression, blob: await requireBlob(source, layer, 'layer') }
    }),
  )
  const id = sha256Digest(configBytes)
  return { id, subject: source.subject, config, configBytes, manifest, manifestBytes, layers }
}

/** A layer as a tar stream; stored bytes and content are both verified, at the end of the stream. */
export async function openLayer(layer: LayerContents, subject: string): Promise<Readable> {
  const stored = await openVerified(layer.blob, subject)
  const tar = decompress(stored, layer.compression, `${subject}: layer ${layer.descriptor.digest}`)
  return verify(tar, layer.diffId, `${subject}: layer with diff id`)
}

/** All blobs of an image, its manifest first. */
export function blobsOf(image: ImageContents, memory: (digest: Digest, bytes: Buffer) => Blob): Blob[] {
  return [
    memory(sha256Digest(image.manifestBytes), image.manifestBytes),
    memory(image.id, image.configBytes),
    ...image.layers.map(({ blob }) => blob),
  ]
}

/** A layer that is whole, and in a form that is none of a tar; IMAGE_INVALID with the way to one that is. */
export function unreadableLayer(subject: string, { digest, mediaType }: Descriptor): PycdsError {
  const isEncrypted = mediaType.endsWith('+encrypted')
  const reason = isEncrypted ? `it is encrypted (${mediaType})` : `its media type is ${mediaType}`
  return new PycdsError('IMAGE_INVALID', {
    message: `${subject}: layer ${digest} cannot be read: ${reason}`,
    hint: isEncrypted
      ? 'Decrypt the image first: skopeo copy --decryption-key KEY SOURCE TARGET.'
      : 'Layers are read as tar, plain or compressed with gzip or zstd; convert the image, or build it anew for that.',
  })
}
