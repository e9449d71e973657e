// SPDX-License-Identifier: Apache-2.0
// Before and after: timed starts of two images in turns, so that noise falls on both.
import type { Progress } from '../log/index.js'
import { type TimedStart, type TrainingSpec, timeStart, type WatchOptions } from '../train/index.js'
import { summarise } from '../util/statistics.js'
import type { Engine } from './ports.js'
import type { BakeResult, Timing } from './result.js'

/** A start counts as done when nothing was imported for so long. */
const SETTLED_MS = 700

export interface MeasureRequest {
  before: TrainingSpec
  after: TrainingSpec
  runs: number
  watch: Pick<WatchOptions, 'timeoutMs' | 'signal'>
}

/**
 * Times the starts of two images; null when no Python process was seen in one of them.
 * Programs that end are timed from the start of the process to its end, others to their last import.
 */
export async function measure(
  engine: Engine,
  request: MeasureRequest,
  progress: Progress,
): Promise<BakeResult['start']> {
  const step = progress.step('measure', 'Measure before and after')
  const before: TimedStart[] = []
  const after: TimedStart[] = []
  const options = {
    ...request.watch,
    ready: { specs: [{ kind: 'exit' }, { kind: 'quiet', ms: SETTLED_MS }] } as const,
    stopGraceSeconds: 0,
  }
  for (let run = 0; run < request.runs; run++) {
    step.update(`run ${run + 1} of ${request.runs}`)
    for (const [spec, into] of [
      [request.before, before],
      [request.after, after],
    ] as const) {
      const timed = await timeStart(engine, spec, options)
      if (timed) into.push(timed)
    }
  }
  if (before.length === 0 || after.length === 0) {
    step.done('no Python process was seen')
    return null
  }
  const metric = [...before, ...after].every((timed) => timed.exit !== null) ? 'exit' : 'imports'
  const [a, b] = [before, after].map((list) => toTiming(list.map((timed) => timed[metric] ?? timed.imports)))
  if (!a || !b) return null
  step.done(`${a.medianMs.toFixed(0)} ms to ${b.medianMs.toFixed(0)} ms`)
  return { metric, before: a, after: b, speedup: a.medianMs / b.medianMs, runs: request.runs }
}

function toTiming(values: readonly number[]): Timing {
  const { median = 0, min = 0, max = 0 } = summarise(values) ?? {}
  return { medianMs: median, minMs: min, maxMs: max }
}
