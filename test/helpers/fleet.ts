// SPDX-License-Identifier: Apache-2.0
// Many images from one: the same layers, each with a configuration of its own.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import {
  type Descriptor,
  type ImageConfig,
  type Manifest,
  MEDIA_TYPES,
  REF_NAME,
} from '../../src/image/index.js'
import { LayoutMaker, named } from './layout.js'
import type { TestRegistry } from './registry.js'

/** Puts images named `app-1` to `app-N` into a layout that holds one image, and takes that one out of its index. */
export function multiply(path: string, count: number): LayoutMaker {
  const [entry] = entriesOf(path)
  if (entry === undefined) throw new Error(`${path}: no image`)
  const manifest = documentOf(path, entry) as Manifest
  const config = documentOf(path, manifest.config) as ImageConfig
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

/** Puts the images of a layout into a repository, under the names that they have there. */
export function addLayout(registry: TestRegistry, path: string, repository: string): void {
  const seen = new Set<string>()
  for (const entry of entriesOf(path)) {
    const manifest = documentOf(path, entry) as Manifest
    for (const part of [manifest.config, ...manifest.layers]) {
      if (!seen.has(part.digest)) registry.addBlob(repository, blobOf(path, part))
      seen.add(part.digest)
    }
    registry.addManifest(repository, entry.mediaType, manifest, entry.annotations?.[REF_NAME])
  }
}

function entriesOf(path: string): readonly Descriptor[] {
  return (JSON.parse(readFileSync(join(path, 'index.json'), 'utf8')) as { manifests: Descriptor[] }).manifests
}

function documentOf(path: string, descriptor: Descriptor): unknown {
  return JSON.parse(String(blobOf(path, descriptor)))
}

function blobOf(path: string, { digest }: Descriptor): Buffer {
  return readFileSync(join(path, 'blobs', digest.replace(':', '/')))
}
