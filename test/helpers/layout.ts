// SPDX-License-Identifier: Apache-2.0
// Small OCI layouts, whole or damaged, made from nothing.
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import type { ExecutionContext } from 'ava'
import {
  appendLayer,
  type Descriptor,
  hexOf,
  type ImageConfig,
  MEDIA_TYPES,
  sha256DiffId,
  sha256Digest,
} from '../../src/image/index.js'
import { LocationStore } from '../../src/store/locations/index.js'
import { packTar, type TarEntry } from '../../src/tar/index.js'
import { file } from './tar.js'
import { temporary } from './temporary.js'

/** Writes blobs into a layout and remembers what leads to them. */
export class LayoutMaker {
  readonly path: string

  constructor(path: string) {
    this.path = path
    mkdirSync(join(path, 'blobs', 'sha256'), { recursive: true })
    writeFileSync(join(path, 'oci-layout'), '{"imageLayoutVersion":"1.0.0"}')
    this.index([])
  }

  blob(mediaType: string, content: Buffer | object, extra: Partial<Descriptor> = {}): Descriptor {
    const bytes = Buffer.isBuffer(content) ? content : Buffer.from(JSON.stringify(content))
    const digest = sha256Digest(bytes)
    writeFileSync(this.blobPath({ digest }), bytes)
    return { mediaType, digest, size: bytes.length, ...extra }
  }

  /** An image of one gzip layer for each list of members. */
  async image(layers: readonly (readonly TarEntry[])[], o: ImageOptions = {}): Promise<Descriptor> {
    const tars = await Promise.all(layers.map((entries) => packTar(entries)))
    const config: ImageConfig = {
      architecture: o.architecture ?? 'amd64',
      os: 'linux',
      created: '2024-05-01T12:00:00Z',
      config: { Cmd: ['python3'], Labels: { kept: 'label' } },
      rootfs: { type: 'layers', diff_ids: tars.map(sha256DiffId) },
      history: tars.map(() => ({ created_by: 'test' })),
      ...o.config,
    }
    const manifest = {
      schemaVersion: 2,
      mediaType: MEDIA_TYPES.manifest,
      config: this.blob(MEDIA_TYPES.config, config),
      layers: tars.map((tar) =>
        this.blob(o.layerType ?? MEDIA_TYPES.layerGzip, (o.compress ?? gzipSync)(tar)),
      ),
      annotations: { 'org.opencontainers.image.base.name': 'base:1' },
      ...o.manifest,
    }
    return this.blob(MEDIA_TYPES.manifest, manifest, o.descriptor)
  }

  /** Writes index.json. */
  index(manifests: readonly Descriptor[]): void {
    writeFileSync(join(this.path, 'index.json'), JSON.stringify({ schemaVersion: 2, manifests }))
  }

  blobPath({ digest }: Pick<Descriptor, 'digest'>): string {
    return join(this.path, 'blobs', 'sha256', hexOf(digest))
  }
}

export interface ImageOptions {
  architecture?: string
  config?: Partial<ImageConfig>
  manifest?: object
  descriptor?: Partial<Descriptor>
  layerType?: string
  compress?: (tar: Buffer) => Buffer
}

/** Gives an entry of an index.json its name. */
export function named(descriptor: Descriptor, name: string): Descriptor {
  return {
    ...descriptor,
    annotations: { ...descriptor.annotations, 'org.opencontainers.image.ref.name': name },
  }
}

/** A layout with one image named `1`. */
export async function simpleLayout(t: ExecutionContext, o: ImageOptions = {}): Promise<LayoutMaker> {
  const layout = new LayoutMaker(join(temporary(t), 'layout'))
  layout.index([named(await layout.image([[file('a', 'first')], [file('b', 'second')]], o), '1')])
  return layout
}

/** Every file below a directory with its content's digest and time: what must not change. */
export function contentOf(directory: string): Record<string, string> {
  const found: Record<string, string> = {}
  for (const name of readdirSync(directory, { recursive: true, encoding: 'utf8' }).sort()) {
    const path = join(directory, name)
    const { mtimeMs } = statSync(path)
    found[name] = statSync(path).isFile() ? `${sha256Digest(readFileSync(path))} ${mtimeMs}` : 'directory'
  }
  return found
}

/** Appends a layer to an image and gives it a name, as a bake does. */
export async function bakeInto(source: string, output: string, store = new LocationStore()): Promise<string> {
  const image = await store.resolve(source)
  const tar = await packTar([file('added', 'layer')])
  const layer = { tar, diffId: sha256DiffId(tar) }
  const record = { diffId: layer.diffId, createdBy: 'test', comment: '', created: '2024-05-01T12:00:00Z' }
  const config = appendLayer(await store.readConfig(image), record, { env: { A: '1' }, labels: {} })
  const id = await store.append(image, config, layer)
  const digests = await store.tag(id, output)
  if (digests.config !== id) throw new Error('the configuration has another digest than the image')
  return id
}
