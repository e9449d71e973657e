// SPDX-License-Identifier: Apache-2.0
// An image of the engine as an OCI layout with gzip layers, as registries hold it.
import { createHash } from 'node:crypto'
import { createReadStream, createWriteStream } from 'node:fs'
import { mkdir, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { createGzip } from 'node:zlib'
import { run } from './shell.js'

const MANIFEST = 'application/vnd.oci.image.manifest.v1+json'
const CONFIG = 'application/vnd.oci.image.config.v1+json'
const LAYER = 'application/vnd.oci.image.layer.v1.tar+gzip'

export interface Layout {
  readonly path: string
  /** Its layers as they are stored, oldest first. */
  readonly layers: readonly string[]
}

/** Writes an image of the engine into a new directory, under the name `1`. */
export async function writeLayout(image: string, path: string): Promise<Layout> {
  const saved = join(path, 'saved')
  await mkdir(saved, { recursive: true })
  await run('sh', ['-c', 'docker save "$1" | tar x -C "$2"', 'sh', image, saved])
  const [item] = JSON.parse(await readFile(join(saved, 'manifest.json'), 'utf8')) as [
    { Config: string; Layers: string[] },
  ]
  const blobs = join(path, 'blobs/sha256')
  await mkdir(blobs, { recursive: true })
  const blob = async (mediaType: string, bytes: Buffer) => {
    const hex = createHash('sha256').update(bytes).digest('hex')
    await writeFile(join(blobs, hex), bytes)
    return { mediaType, digest: `sha256:${hex}`, size: bytes.length }
  }
  const layers = []
  for (const name of item.Layers) {
    const file = join(path, 'layer')
    await pipeline(createReadStream(join(saved, name)), createGzip(), createWriteStream(file))
    const sum = createHash('sha256')
    await pipeline(createReadStream(file), sum)
    const hex = sum.digest('hex')
    await rename(file, join(blobs, hex))
    layers.push({ mediaType: LAYER, digest: `sha256:${hex}`, size: (await stat(join(blobs, hex))).size })
  }
  const config = await blob(CONFIG, await readFile(join(saved, item.Config)))
  const manifest = { schemaVersion: 2, mediaType: MANIFEST, config, layers }
  const entry = await blob(MANIFEST, Buffer.from(JSON.stringify(manifest)))
  const annotations = { 'org.opencontainers.image.ref.name': '1' }
  const index = { schemaVersion: 2, manifests: [{ ...entry, annotations }] }
  await writeFile(join(path, 'index.json'), JSON.stringify(index))
  await writeFile(join(path, 'oci-layout'), '{"imageLayoutVersion":"1.0.0"}')
  await rm(saved, { recursive: true })
  return { path, layers: layers.map(({ digest }) => join(blobs, digest.slice('sha256:'.length))) }
}

/** Files, directories and links in a directory, all below it included. */
export async function countEntries(directory: string): Promise<number> {
  return (await readdir(directory, { recursive: true })).length
}
