// SPDX-License-Identifier: Apache-2.0
// What a builder writes with `type=oci`: the configuration of each image, its last layer, and what is attested.
import { readFileSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'
import { readTar } from '../../src/tar/index.js'
import type { Built } from './frontend-builders.js'

/** Layers of a base image are larger, and need not be held. */
const LARGEST = 2 ** 24

export interface ArchivedImage {
  readonly diffIds: readonly string[]
  readonly config: Built['config']
  /** As in `linux/amd64/v2`. */
  readonly variant: string | undefined
  /** The last layer's files by path. */
  readonly lastLayer: ReadonlyMap<string, Buffer>
  /** Statements about all images of the file, one after the other. */
  readonly attested: string
}

interface Descriptor {
  readonly digest: string
  readonly annotations?: Readonly<Record<string, string>>
}

interface Manifest {
  readonly manifests?: readonly Descriptor[]
  readonly config: Descriptor
  readonly layers: readonly Descriptor[]
}

/** The only image of a file. */
export async function archivedImage(file: string): Promise<ArchivedImage> {
  const [image, ...others] = await archivedImages(file)
  if (image === undefined || others.length > 0) throw new Error(`${file} holds ${others.length + 1} images`)
  return image
}

/** The images of a file, one for each platform. */
export async function archivedImages(file: string): Promise<ArchivedImage[]> {
  const members = await filesOf(readFileSync(file))
  const blob = ({ digest }: Descriptor) => members.get(`blobs/${digest.replace(':', '/')}`) ?? Buffer.alloc(0)
  const [top] = JSON.parse(String(members.get('index.json'))).manifests as [Descriptor]
  const index = JSON.parse(String(blob(top))) as Manifest
  const manifests = index.manifests?.map((item) => ({ item, manifest: JSON.parse(String(blob(item))) })) ?? [
    { item: top, manifest: index },
  ]
  const isAbout = ({ annotations }: Descriptor) => annotations?.['vnd.docker.reference.type'] !== undefined
  const of = (wanted: boolean): Manifest[] =>
    manifests.filter(({ item }) => isAbout(item) === wanted).map(({ manifest }) => manifest)
  const attested = of(true)
    .flatMap(({ layers }) => layers.map((layer) => String(blob(layer))))
    .join('\n')
  return Promise.all(
    of(false).map(async (image) => {
      const { rootfs, config, variant } = JSON.parse(String(blob(image.config)))
      const lastLayer = await filesOf(gunzipSync(blob(image.layers.at(-1) as Descriptor)))
      return { diffIds: rootfs.diff_ids, config, variant, lastLayer, attested }
    }),
  )
}

async function filesOf(archive: Buffer): Promise<Map<string, Buffer>> {
  const files = new Map<string, Buffer>()
  await readTar(archive, async (entry, body) => {
    if (entry.type === 'file' && entry.size < LARGEST) files.set(entry.name, await body())
  })
  return files
}
