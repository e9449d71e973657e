// SPDX-License-Identifier: Apache-2.0
import { applications } from './applications.js'
import { fixed } from './fixed.js'
import { floor } from './floor.js'
import { growth } from './growth.js'
import { learn } from './learn.js'
import { location } from './location.js'
import { memory } from './memory.js'
import type { Part } from './part.js'
import { profile } from './profile.js'
import { snapshot, snapshotWithoutBytecode } from './snapshot.js'
import { snapshotUse } from './snapshot-use.js'
import { snapshotWorkers } from './snapshot-workers.js'

/** What is measured beside the times of packages, in this order. */
export const PARTS: readonly Part[] = [
  fixed,
  memory,
  growth,
  profile,
  floor,
  location,
  snapshot,
  snapshotWithoutBytecode,
  snapshotUse,
  snapshotWorkers,
  applications,
  learn,
]
