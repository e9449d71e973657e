// SPDX-License-Identifier: Apache-2.0
// Before and after: timed starts of two images in turns, so that noise falls on both.
import { type RunLimits, type TimedStart, type TrainingSpec, timeStart } from '../learn/run/index.js'
import type { Progress } from '../log/index.js'
import type { Engine } from '../ports/index.js'
import { errorOfFactor, isNoisy, summarise } from '../util/statistics.js'

/** A start counts as done when nothing was imported for so long. */
export const SETTLED_MS = 700
/** Below this relative error further rounds would not change what anybody reads. */
const STABLE = 0.05

/** Milliseconds. */
export interface Timing {
  medianMs: number
  minMs: number
  maxMs: number
}

/** The starts of two images, timed in turns. */
export interface StartComparison {
  /** Until the process ended, or until its last import. */
  metric: 'imports' | 'exit'
  before: Timing
  after: Timing
  /** How many times as fast the second one is. */
  speedup: number
  /** How far `speedup` may be off, as a share of it; null after a single round. */
  relativeError: number | null
  /** The starts differ more among themselves than before from after: the factor says nothing. */
  noisy: boolean
  /** Rounds that were measured. */
  runs: number
}

export interface MeasureRequest {
  before: TrainingSpec
  after: TrainingSpec
  /** Whether the second image holds a process snapshot: it is not used beside the clock that others are timed with. */
  snapshot?: boolean
  /** Rounds at most; fewer when the answer is stable. */
  runs: number
  limits: RunLimits
  signal: AbortSignal
}

/**
 * Times the starts of two images; null when no Python process was seen in one of them.
 * Programs that end are timed from the start of the process to its end, others to their last import.
 */
export async function measure(
  engine: Engine,
  request: MeasureRequest,
  progress: Progress,
): Promise<StartComparison | null> {
  const step = progress.step('measure', 'Measure before and after')
  const before: TimedStart[] = []
  const after: TimedStart[] = []
  const options = {
    signal: request.signal,
    ready: { specs: [{ kind: 'exit' }, { kind: 'quiet', ms: SETTLED_MS }] } as const,
    limits: request.limits,
  }
  let rounds = 0
  while (rounds < request.runs && !isStable(before, after)) {
    rounds += 1
    step.update(`round ${rounds} of at most ${request.runs}`)
    for (const [spec, into, runtimeClock] of [
      [request.before, before, false],
      [request.after, after, request.snapshot === true],
    ] as const) {
      const timed = await timeStart(engine, spec, { ...options, runtimeClock })
      if (timed) into.push(timed)
    }
  }
  if (before.length === 0 || after.length === 0) {
    step.done('no Python process was seen')
    return null
  }
  const metric = metricOf(before, after)
  const times = [valuesOf(before, metric), valuesOf(after, metric)] as const
  const [a, b] = [toTiming(times[0]), toTiming(times[1])]
  const noisy = isNoisy(...times)
  step.done(`${a.medianMs.toFixed(0)} ms to ${b.medianMs.toFixed(0)} ms${noisy ? ', noisy' : ''}`)
  return {
    metric,
    before: a,
    after: b,
    speedup: a.medianMs / b.medianMs,
    relativeError: errorOfFactor(...times) ?? null,
    noisy,
    runs: rounds,
  }
}

function metricOf(before: readonly TimedStart[], after: readonly TimedStart[]): StartComparison['metric'] {
  return [...before, ...after].every((timed) => timed.exit !== null) ? 'exit' : 'imports'
}

function valuesOf(starts: readonly TimedStart[], metric: StartComparison['metric']): number[] {
  return starts.map((timed) => timed[metric] ?? timed.imports)
}

function isStable(before: readonly TimedStart[], after: readonly TimedStart[]): boolean {
  const metric = metricOf(before, after)
  const error = errorOfFactor(valuesOf(before, metric), valuesOf(after, metric))
  return error !== undefined && error <= STABLE
}

function toTiming(values: readonly number[]): Timing {
  const { median = 0, min = 0, max = 0 } = summarise(values) ?? {}
  return { medianMs: median, minMs: min, maxMs: max }
}
