// SPDX-License-Identifier: Apache-2.0
// What became of each of several images.
import type { ErrorDocument } from '../../errors/index.js'
import type { BakePlatformsResult, BakeResult } from '../result.js'
import type { UnchangedResult } from '../unchanged.js'

/** What is told of an image that did not fail. */
export type Made = BakeResult | BakePlatformsResult | UnchangedResult

export interface ImageOutcome {
  /** The image, or the name that the file gives it. */
  name: string
  /** `unchanged`: a bake would have made what is there already, or what an earlier run with the same results has made. */
  state: 'baked' | 'unchanged' | 'failed'
  /** What the bake is known by; null where that was not found out. */
  key: string | null
  /** How long it took. */
  seconds: number
  /** Of the bake; of an image that an earlier run has baked, what that run told. Null: it failed. */
  result: Made | null
  /** Null: it did not fail. */
  error: ErrorDocument['error'] | null
}

export interface BakesResult {
  schema: 'io.pycds.bakes/1'
  /** Whether no image has failed. */
  ok: boolean
  counts: { baked: number; unchanged: number; failed: number }
  /** Which part of the images these are; null: all. */
  shard: { index: number; count: number } | null
  /** In the order of the file; those of a pattern by name. */
  images: ImageOutcome[]
}

/** The result of a run. */
export function toBakesResult(images: ImageOutcome[], shard: BakesResult['shard']): BakesResult {
  const count = (wanted: ImageOutcome['state']) => images.filter(({ state }) => state === wanted).length
  const counts = { baked: count('baked'), unchanged: count('unchanged'), failed: count('failed') }
  return { schema: 'io.pycds.bakes/1', ok: counts.failed === 0, counts, shard, images }
}
