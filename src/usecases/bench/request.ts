// SPDX-License-Identifier: Apache-2.0
import type { ReadySpec, RunLimits, Surroundings } from '../../learn/run/index.js'
import type { PageCache, Ports } from '../../ports/index.js'

export interface BenchRequest {
  reference: string
  /** Default: what the image was baked from; of an image that was not baked, itself. */
  baseline?: string
  command?: string[]
  /** Empty: the program ends, or falls quiet. */
  ready: ReadySpec[]
  limits: RunLimits
  surroundings: Surroundings
  runs: number
  minSpeedup?: number
}

export interface BenchPorts extends Ports {
  pageCache: PageCache
}
