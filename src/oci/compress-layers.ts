// SPDX-License-Identifier: Apache-2.0
// Layers as registries have them. Engines give theirs without compression; nobody wants to pull those.
import { createHash } from 'node:crypto'
import { createReadStream, createWriteStream } from 'node:fs'
import { join } from 'node:path'
import { Transform } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { createGzip } from 'node:zlib'
import { type Digest, gzipLayerTypeFor } from '../image/index.js'
import { assemble } from './append.js'
import { openVerified } from './blobs.js'
import type { ImageContents, LayerContents } from './contents.js'

/**
 * The same image with every layer compressed; the bytes are those that `compress` gives. Returned as it is when all are.
 * @param directory for the compressed layers, which must stay as long as the image is used
 */
export async function compressLayers(image: ImageContents, directory: string): Promise<ImageContents> {
  if (image.layers.every(({ compression }) => compression !== 'none')) return image
  const layers: LayerContents[] = []
  for (const layer of image.layers) {
    layers.push(layer.compression === 'none' ? await compressed(layer, image, directory) : layer)
  }
  return assemble(image, image.config, layers)
}

async function compressed(
  layer: LayerContents,
  { subject, manifest }: ImageContents,
  directory: string,
): Promise<LayerContents> {
  const path = join(directory, layer.diffId.replace(':', '-'))
  const hash = createHash('sha256')
  let size = 0
  const meter = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      hash.update(chunk)
      size += chunk.length
      done(null, chunk)
    },
  })
  await pipeline(await openVerified(layer.blob, subject), createGzip(), meter, createWriteStream(path))
  const digest = `sha256:${hash.digest('hex')}` as Digest
  return {
    descriptor: { mediaType: gzipLayerTypeFor(manifest), digest, size },
    diffId: layer.diffId,
    compression: 'gzip',
    blob: { digest, size, open: async () => createReadStream(path) },
  }
}
