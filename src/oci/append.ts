// SPDX-License-Identifier: Apache-2.0
// A new image from an old one: the old layers as they are stored, one new layer, a new configuration and manifest.
import { PycdsError } from '../errors/index.js'
import {
  type Descriptor,
  type DiffId,
  type Digest,
  gzipLayerTypeFor,
  type ImageConfig,
  type Manifest,
  reviseJson,
  sha256Digest,
} from '../image/index.js'
import { memoryBlob } from './blobs.js'
import type { ImageContents, LayerContents } from './contents.js'
import { compress } from './decompress.js'

/** Makes an image in memory; nothing is written. `config` lists the layers that stay, then the new one. */
export function appendTo(
  image: ImageContents,
  config: ImageConfig,
  layer: { tar: Buffer; diffId: DiffId },
): ImageContents {
  const diffIds = config.rootfs.diff_ids
  const kept = image.layers.slice(0, diffIds.length - 1)
  const fits =
    kept.length >= image.layers.length - 1 &&
    kept.length === diffIds.length - 1 &&
    kept.every(({ diffId }, index) => diffId === diffIds[index]) &&
    diffIds.at(-1) === layer.diffId
  if (!fits) {
    throw new PycdsError('INTERNAL', {
      message: `${image.subject}: the new configuration does not continue its layers`,
      hint: 'This is a bug in pycds-image; please report it.',
    })
  }
  const compressed = compress(layer.tar)
  const digest = sha256Digest(compressed)
  const descriptor: Descriptor = {
    mediaType: gzipLayerTypeFor(image.manifest),
    digest,
    size: compressed.length,
  }
  const added: LayerContents = {
    descriptor,
    diffId: layer.diffId,
    compression: 'gzip',
    blob: memoryBlob(digest, compressed),
  }
  return assemble(image, config, [...kept, added])
}

/** The image with another configuration and other layers. */
export function assemble(
  image: ImageContents,
  config: ImageConfig,
  layers: readonly LayerContents[],
): ImageContents {
  const configBytes = Buffer.from(reviseJson(String(image.configBytes), config))
  const id = sha256Digest(configBytes)
  const manifest: Manifest = {
    ...image.manifest,
    config: { ...withoutData(image.manifest.config), digest: id, size: configBytes.length },
    layers: layers.map(({ descriptor }) => descriptor),
  }
  const manifestBytes = Buffer.from(reviseJson(String(image.manifestBytes), manifest))
  return { ...image, id, config, configBytes, manifest, manifestBytes, layers }
}

/** A descriptor may carry a copy of what it points at, which is not true of another target. */
export function withoutData(descriptor: Descriptor): Descriptor {
  const { data: _, ...rest } = descriptor as Descriptor & { data?: unknown }
  return rest as Descriptor
}

/** The descriptor of an image's manifest, with everything else of an old one. */
export function manifestDescriptor(
  image: ImageContents,
  old: Omit<Descriptor, 'digest' | 'size'>,
): Descriptor {
  const digest: Digest = sha256Digest(image.manifestBytes)
  return { ...withoutData(old as Descriptor), digest, size: image.manifestBytes.length }
}
