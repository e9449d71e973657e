// SPDX-License-Identifier: Apache-2.0
// What a container of the new image takes from its archive, started as the source image was trained.
import { reportStart, type TrainingOptions, type TrainingSpec } from '../learn/run/index.js'
import { during, type Progress } from '../log/index.js'
import type { Engine } from '../ports/index.js'
import { RuntimeLog } from './runtime-log.js'

export interface HitRate {
  served: number
  total: number
  /** Percent of the path-based modules that were imported. */
  percent: number
  missed: { name: string; reason: string }[]
  /** Why the whole archive was not used. */
  rejected: string | null
}

/** Starts it once, untraced, and counts what its runtime says. */
export async function countHits(
  engine: Engine,
  spec: TrainingSpec,
  options: TrainingOptions,
  progress: Progress,
): Promise<HitRate> {
  const log = new RuntimeLog()
  await during(
    progress,
    ['hit-rate', 'Start the new image and count what its archive serves'],
    async (step) => {
      const { failure } = await reportStart(engine, spec, {
        ...options,
        activity: async () => log.lines,
        onOutput: (stream, chunk) => stream === 'stderr' && log.add(chunk),
      })
      if (failure) throw failure
      step.done(`${log.served} of ${log.total}`)
    },
  )
  const { served, total, hitRate, missed, rejected } = log
  return { served, total, percent: hitRate, missed, rejected: rejected ?? null }
}
