// SPDX-License-Identifier: Apache-2.0
// What is sent to the engine to make an image: the classic archive form, which engines of
// every age accept. The short form leaves out the layers that the engine has already.
import type { Readable } from 'node:stream'
import { PycdsError } from '../../errors/index.js'
import { type DiffId, type Digest, hexOf, type ImageConfig, sha256Digest } from '../../image/index.js'
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

/** Writes a configuration the way it is stored; its digest follows from the bytes. */
export function storeConfig(config: ImageConfig): StoredConfig {
  const bytes = Buffer.from(JSON.stringify(config))
  return { bytes, digest: sha256Digest(bytes), diffIds: config.rootfs.diff_ids }
}

/** The archive with the configuration and the new layer only; the engine finds the others by their diff ids. */
export async function shortArchive(config: StoredConfig, layer: NewLayer): Promise<Buffer> {
  const layers = config.diffIds.map(layerName)
  return await packTar([...newMembers(config, layer), manifestMember(config, layers)])
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
      if (header.name === 'manifest.json') manifest = JSON.parse((await body()).toString('utf8'))
      return !DESCRIPTIONS.has(header.name)
    },
    append() {
      const base = layersOf(manifest, image).slice(0, config.diffIds.length - 1)
      return [...newMembers(config, layer), manifestMember(config, [...base, layerName(layer.diffId)])]
    },
  })
}

/** Members that describe the source image; with them the archive would be two images. */
const DESCRIPTIONS: ReadonlySet<string> = new Set([
  'manifest.json',
  'repositories',
  'index.json',
  'oci-layout',
])

function newMembers(config: StoredConfig, layer: NewLayer): TarEntry[] {
  return [file(configName(config), config.bytes), file(layerName(layer.diffId), layer.tar)]
}

function manifestMember(config: StoredConfig, layers: readonly string[]): TarEntry {
  const manifest = [
    {
      Config: configName(config),
      RepoTags: config.name === undefined ? null : [config.name],
      Layers: layers,
    },
  ]
  return file('manifest.json', Buffer.from(JSON.stringify(manifest)))
}

function layersOf(manifest: unknown, image: SourceImage): readonly string[] {
  const items = Array.isArray(manifest) ? (manifest as ({ Layers?: unknown } | null)[]) : []
  for (const item of items) {
    const layers = item?.Layers
    if (Array.isArray(layers) && layers.length === image.layers) return layers.map(String)
  }
  throw new PycdsError('IMAGE_INVALID', {
    message: `image ${image.reference}: its export does not list its ${image.layers} layers`,
    hint: 'The image is damaged in the engine; build or pull it again.',
  })
}

function configName(config: StoredConfig): string {
  return `${hexOf(config.digest)}.json`
}

function layerName(diffId: DiffId): string {
  return `${hexOf(diffId)}/layer.tar`
}

function file(name: string, body: Buffer): TarEntry {
  return { name, type: 'file', mode: 0o644, uid: 0, gid: 0, mtime: new Date(0), body }
}
