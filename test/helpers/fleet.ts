// SPDX-License-Identifier: Apache-2.0
// Many images from one: the same layers, each with a configuration of its own.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Descriptor, type ImageConfig, type Manifest, MEDIA_TYPES } from '../../src/image/index.js'
import { LayoutMaker, named } from './layout.js'

/** Puts images named `app-1` to `app-N` into a layout that holds one image, and takes that one out of its index. */
export function multiply(path: string, count: number): LayoutMaker {
  const read = (descriptor: Descriptor): unknown =>
    JSON.parse(readFileSync(join(path, 'blobs', descriptor.digest.replace(':', '/')), 'utf8'))
  const { manifests } = JSON.parse(readFileSync(join(path, 'index.json'), 'utf8')) as {
    manifests: Descriptor[]
  }
  const [entry] = manifests
  if (entry === undefined) throw new Error(`${path}: no image`)
  const manifest = read(entry) as Manifest
  const config = read(manifest.config) as ImageConfig
  const layout = new LayoutMaker(path)
  layout.index(
    Array.from({ length: count }, (_, at) => {
      const labels = { ...config.config?.Labels, number: String(at + 1) }
      const own = layout.blob(manifest.config.mediaType, {
        ...config,
        config: { ...config.config, Labels: labels },
      })
      return named(layout.blob(MEDIA_TYPES.manifest, { ...manifest, config: own }), `app-${at + 1}`)
    }),
  )
  return layout
}
