// SPDX-License-Identifier: Apache-2.0
// What is sent to the engine to make an image. The short form leaves out the layers that the engine has already.
import type { Readable } from 'node:stream'
import {
  configMember,
  configName,
  isDescription,
  layerMember,
  layerName,
  MANIFEST,
  manifestMember,
  parseItems,
} from '../../docker-archive/index.js'
import { PycdsError } from '../../errors/index.js'
import { type DiffId, type Digest, type ImageConfig, reviseJson, sha256Digest } from '../../image/index.js'
import type { NewLayer, SourceImage } from '../../ports/index.js'
import { packTar, reviseTar, type TarEntry } from '../../tar/index.js'

/** A configuration as it is going to be stored. */
export interface StoredConfig {
  readonly bytes: Buffer
  /** The image id on the classic store. */
  readonly digest: Digest
  readonly diffIds: readonly DiffId[]
  /** Given to the image while it is loaded. */
  readonly name?: string
}

/**
 * Writes a configuration the way it is stored; its digest follows from the bytes.
 * @param source the text of the one that it was made from; `{}` for none
 */
export function storeConfig(config: ImageConfig, source: string): StoredConfig {
  const bytes = Buffer.from(reviseJson(source, config))
  return { bytes, digest: sha256Digest(bytes), diffIds: config.rootfs.diff_ids }
}

/** The archive with the configuration and the new layer only; the engine finds the others by their diff ids. */
export async function shortArchive(config: StoredConfig, layer: NewLayer): Promise<Buffer> {
  const layers = config.diffIds.map(layerName)
  return await packTar([...newMembers(config, layer), listOf(config, layers)])
}

/** The archive with all layers: the source's own, passed through as the engine exports them, and the new one. */
export function fullArchive(
  exported: Readable,
  image: SourceImage,
  config: StoredConfig,
  layer: NewLayer,
): Readable {
  let manifest: unknown
  return reviseTar(exported, {
    async keep(header, body) {
      if (header.name === MANIFEST) manifest = parseManifest(await body(), image)
      return !isDescription(header.name)
    },
    append() {
      const base = layersOf(manifest, image).slice(0, config.diffIds.length - 1)
      return [...newMembers(config, layer), listOf(config, [...base, layerName(layer.diffId)])]
    },
  })
}

function newMembers(config: StoredConfig, layer: NewLayer): TarEntry[] {
  return [configMember(config.digest, config.bytes), layerMember(layer.diffId, layer.tar)]
}

function listOf(config: StoredConfig, layers: readonly string[]): TarEntry {
  const names = config.name === undefined ? null : [config.name]
  return manifestMember([{ Config: configName(config.digest), RepoTags: names, Layers: layers }])
}

function parseManifest(bytes: Buffer, image: SourceImage): unknown {
  try {
    return JSON.parse(bytes.toString('utf8'))
  } catch (cause) {
    throw damaged(image, `the ${MANIFEST} of its export is not JSON`, cause)
  }
}

function layersOf(manifest: unknown, image: SourceImage): readonly string[] {
  const item = parseItems(manifest)?.find(({ Layers }) => Layers.length === image.layers)
  if (item !== undefined) return item.Layers
  throw damaged(image, `its export does not list its ${image.layers} layers`)
}

function damaged(image: SourceImage, reason: string, cause?: unknown): PycdsError {
  return new PycdsError('IMAGE_INVALID', {
    message: `image ${image.reference}: ${reason}`,
    hint: 'The image is damaged in the engine; build or pull it again.',
    cause,
  })
}
