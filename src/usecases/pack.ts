// SPDX-License-Identifier: Apache-2.0
// The layer of a bake, with the files of the source image at hand.
import { gzipSync } from 'node:zlib'
import type { MadeContent } from '../artifact/content.js'
import { creationTime } from '../image/index.js'
import type { Earlier } from '../layer/earlier.js'
import type { Hook } from '../layer/hook.js'
import { type LayerOptions, makeLayer } from '../layer/layer.js'
import type { Learned } from '../learn/learn.js'
import { lacksVariables } from '../learn/run/index.js'
import { during } from '../log/index.js'
import type { Container, NewLayer, Ports, SourceImage } from '../ports/index.js'
import { withContainer } from '../ports/with-container.js'
import { formatBytes } from '../util/units.js'
import type { BakeRequest } from './bake-request.js'
import { timeOf } from './time.js'

export interface Packed {
  layer: NewLayer
  /** Of the layer. */
  compressedBytes: number
}

/** What one pass over the image gives; a second one must give the same. */
export interface Making extends Packed {
  learned: Learned
  content: MadeContent
  /** What the source image brings along. */
  earlier: Earlier
}

/** Lends the files of the image; an engine may have to prepare all of them. */
export function withImage<T>(
  { id }: SourceImage,
  { engine, progress }: Ports,
  use: (image: Container) => Promise<T>,
): Promise<T> {
  const step = progress.step('open', 'Open the image')
  const opened = withContainer(engine, id, (image) => {
    step.done()
    return use(image)
  })
  opened.catch(() => step.fail('')) // of no effect once it is open
  return opened
}

/** Packs the layer, and tells how large it is as it travels. */
export function pack(
  image: Container,
  content: MadeContent,
  options: LayerOptions,
  { progress }: Ports,
): Promise<Packed> {
  return during(progress, ['layer', 'Pack the layer'], async (step) => {
    const layer = await makeLayer(image, content, options)
    const compressedBytes = gzipSync(layer.tar).length
    step.done(`${formatBytes(compressedBytes)} compressed`)
    return { layer, compressedBytes }
  })
}

/** How the layer of an image is packed, by what its run and its files have shown. */
export function layerOptions(
  request: BakeRequest,
  source: SourceImage,
  { learned, earlier: { hides } }: Pick<Making, 'learned' | 'earlier'>,
): LayerOptions {
  const hook: Hook = lacksVariables(learned.training.unseen) ? 'by-itself' : 'variable'
  return { mtime: layerTime(request, source), hook, hides }
}

/** Of everything new in the layer: when the source image was made, unless a time is given. */
export function layerTime(request: BakeRequest, source: SourceImage): Date {
  return timeOf(request, creationTime(source.config))
}
