// SPDX-License-Identifier: Apache-2.0
// An image of the engine with another configuration, in files: what builders write that no engine here would.
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import {
  configMember,
  layerMember,
  layerName,
  MANIFEST,
  manifestMember,
  parseItems,
} from '../../src/docker-archive/index.js'
import { type ImageConfig, MEDIA_TYPES, sha256Digest, validateConfig } from '../../src/image/index.js'
import { packTar, readTar } from '../../src/tar/index.js'
import { docker } from './engine.js'
import { LayoutMaker, named } from './layout.js'
import { run } from './run.js'

/** The parts of an image. */
export interface ImageParts {
  readonly config: ImageConfig
  /** Uncompressed, oldest first. */
  readonly layers: readonly Buffer[]
}

/** Takes an image of the engine apart. @param directory for a file on the way */
export async function takeApart(image: string, directory: string): Promise<ImageParts> {
  const file = join(directory, 'saved.tar')
  await docker('save', '-o', file, image)
  const members = new Map<string, Buffer>()
  await readTar(readFileSync(file), async (entry, body) => {
    if (entry.type === 'file') members.set(entry.name, await body())
  })
  const [item] = parseItems(JSON.parse(String(members.get(MANIFEST)))) ?? []
  if (item === undefined) throw new Error(`${image} was saved without a list of images`)
  const read = (name: string) => members.get(name) ?? Buffer.alloc(0)
  return {
    config: validateConfig(JSON.parse(String(read(item.Config)))),
    layers: item.Layers.map(read),
  }
}

/** Writes a layout with one image named `1`; returns where it is. @param config its text */
export function writeAsLayout(directory: string, { layers }: ImageParts, config: string): string {
  const layout = new LayoutMaker(directory)
  const manifest = {
    schemaVersion: 2,
    mediaType: MEDIA_TYPES.manifest,
    config: layout.blob(MEDIA_TYPES.config, Buffer.from(config)),
    layers: layers.map((layer) => layout.blob(MEDIA_TYPES.layer, layer)),
  }
  layout.index([named(layout.blob(MEDIA_TYPES.manifest, manifest), '1')])
  return `oci:${directory}:1`
}

/** Writes a Docker archive with one image; returns where it is. @param config its text */
export async function writeAsArchive(
  file: string,
  { layers, config: { rootfs } }: ImageParts,
  { config, name }: { config: string; name: string },
): Promise<string> {
  const bytes = Buffer.from(config)
  const member = configMember(sha256Digest(bytes), bytes)
  const diffIds = rootfs.diff_ids
  const tar = await packTar([
    member,
    ...diffIds.map((diffId, index) => layerMember(diffId, layers[index] ?? Buffer.alloc(0))),
    manifestMember([{ Config: member.name, RepoTags: [name], Layers: diffIds.map(layerName) }]),
  ])
  writeFileSync(file, tar)
  return `docker-archive:${file}:${name}`
}

/** Loads such an archive into the engine. */
export async function loadArchive(location: string): Promise<void> {
  const [, file = ''] = location.split(':')
  const { code, stderr } = await run('docker', ['load', '-q', '-i', file])
  if (code !== 0) throw new Error(stderr)
}
