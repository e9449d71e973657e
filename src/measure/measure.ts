// SPDX-License-Identifier: Apache-2.0
// Before and after: timed starts of two images in turns, so that noise falls on both.
import {
  type ReadySpec,
  type RunLimits,
  type StartTimes,
  type TrainingSpec,
  timeStart,
} from '../learn/run/index.js'
import type { Progress } from '../log/index.js'
import type { Engine } from '../ports/index.js'
import { errorOfFactor, isNoisy, summarise } from '../util/statistics.js'
import { Ends, startsOtherwise } from './ends.js'

/** A start counts as done when nothing was imported for so long. */
export const SETTLED_MS = 700
export const UNTIL_SETTLED: readonly ReadySpec[] = [{ kind: 'exit' }, { kind: 'quiet', ms: SETTLED_MS }]
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
  /** What is baked, as messages name it. */
  reference: string
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
 * @throws VERIFY_FAILED when a start of the second ends otherwise than those of the first do
 */
export async function measure(
  engine: Engine,
  request: MeasureRequest,
  progress: Progress,
): Promise<StartComparison | null> {
  const step = progress.step('measure', 'Measure before and after')
  const before: StartTimes[] = []
  const after: StartTimes[] = []
  const start = (which: 'original' | 'baked', specs: readonly ReadySpec[] = UNTIL_SETTLED) =>
    timeStart(engine, which === 'original' ? request.before : request.after, {
      ready: { specs },
      signal: request.signal,
      limits: request.limits,
      runtimeClock: which === 'baked' && request.snapshot === true,
    })
  const ends = new Ends(async (which, specs) => (await start(which, specs)).end, request.limits)
  let rounds = 0
  while (rounds < request.runs && !isStable(before, after)) {
    rounds += 1
    step.update(`round ${rounds} of at most ${request.runs}`)
    const original = await start('original')
    ends.addOriginal(original.end)
    const baked = await start('baked')
    const difference = await ends.difference(baked.end)
    if (difference !== undefined) {
      step.fail('the baked image does not start as before')
      throw startsOtherwise(request.reference, difference)
    }
    if (original.times) before.push(original.times)
    if (baked.times) after.push(baked.times)
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

function metricOf(before: readonly StartTimes[], after: readonly StartTimes[]): StartComparison['metric'] {
  return [...before, ...after].every((timed) => timed.exit !== null) ? 'exit' : 'imports'
}

function valuesOf(starts: readonly StartTimes[], metric: StartComparison['metric']): number[] {
  return starts.map((timed) => timed[metric] ?? timed.imports)
}

function isStable(before: readonly StartTimes[], after: readonly StartTimes[]): boolean {
  const metric = metricOf(before, after)
  const error = errorOfFactor(valuesOf(before, metric), valuesOf(after, metric))
  return error !== undefined && error <= STABLE
}

function toTiming(values: readonly number[]): Timing {
  const { median = 0, min = 0, max = 0 } = summarise(values) ?? {}
  return { medianMs: median, minMs: min, maxMs: max }
}
