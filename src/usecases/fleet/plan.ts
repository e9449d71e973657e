// SPDX-License-Identifier: Apache-2.0
// Which images a run would bake, before anything is done.
import { type ErrorDocument, type PycdsError, toErrorDocument } from '../../errors/index.js'
import type { BakesResult } from './outcome.js'

/** An image of a plan. */
export interface PlannedImage {
  /** The image, or the name that the file gives it. */
  name: string
  image: string
  /** What it would be called; null where that is only known when the image has been looked at. */
  output: string | null
  /** Why a pattern gave no image; null: it is one. */
  error: ErrorDocument['error'] | null
}

export interface BakesPlan {
  schema: 'io.pycds.bakes-plan/1'
  /** Which part of the images these are; null: all. */
  shard: BakesResult['shard']
  /** In the order of the file; those of a pattern by name. */
  images: PlannedImage[]
}

/** The plan of a run over images that have been chosen. */
export function toBakesPlan(
  images: readonly { name: string; image: string; output: string | undefined; failure?: PycdsError }[],
  shard: BakesPlan['shard'],
): BakesPlan {
  return {
    schema: 'io.pycds.bakes-plan/1',
    shard,
    images: images.map(({ name, image, output, failure }) => ({
      name,
      image,
      output: output ?? null,
      error: failure ? toErrorDocument(failure).error : null,
    })),
  }
}
