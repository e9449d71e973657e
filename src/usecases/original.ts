// SPDX-License-Identifier: Apache-2.0
// What a baked image is compared with.
import { PycdsError } from '../errors/index.js'
import { sourceOf } from '../layer/labels.js'
import type { ImageStore, SourceImage } from '../ports/index.js'

export interface Original {
  image: SourceImage
  /** What it was baked from is not here: it is the baked image itself, to be run with its archive switched off. */
  switchedOff: boolean
  /** What it was baked from, as its label has it; undefined when it has none, or tells of an image below this one. */
  source: string | undefined
}

/** Finds what an image was baked from. */
export async function findOriginal(image: SourceImage, store: ImageStore): Promise<Original> {
  const source = sourceOf(image.config)
  const itself = { image, switchedOff: true, source }
  if (source === undefined) return itself
  try {
    return { image: await store.resolve(source), switchedOff: false, source }
  } catch (error) {
    if (!(error instanceof PycdsError) || error.code !== 'IMAGE_NOT_FOUND') throw error
    return itself
  }
}
