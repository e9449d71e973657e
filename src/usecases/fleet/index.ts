// SPDX-License-Identifier: Apache-2.0
// Many images: which they are, how they are baked beside each other, what became of each.
export {
  assertDistinct,
  type Entry,
  type Expanded,
  expandEntries,
  type ListImages,
  type Makes,
  outputOf,
  withoutOutputs,
} from './expand.js'
export { type BakesResult, type ImageOutcome, type Made, toBakesResult } from './outcome.js'
export { type BakesPlan, type PlannedImage, toBakesPlan } from './plan.js'
export { bakeAll, type FleetOptions, type Journal, type NamedWork, type Task } from './run.js'
export { isInShard, type Shard } from './shard.js'
