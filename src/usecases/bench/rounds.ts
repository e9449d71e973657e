// SPDX-License-Identifier: Apache-2.0
// Starts all subjects in turns, so that whatever else the machine does falls on all of them.
import { PycdsError } from '../../errors/index.js'
import {
  type RunOptions,
  type StartEnd,
  type StartTimes,
  type TrainingSpec,
  timeStart,
} from '../../learn/run/index.js'
import { during, type Progress } from '../../log/index.js'
import { type Again, Ends } from '../../measure/ends.js'
import type { Engine } from '../../ports/index.js'
import { summarise } from '../../util/statistics.js'
import type { Cache, Times } from './result.js'

interface StartPlan {
  title: string
  spec: TrainingSpec
  runtimeClock: boolean
}

export interface RoundsRequest {
  /** What is measured, as messages name it. */
  reference: string
  /** How each subject is started, and by which clock it is timed; the first one is the original. */
  starts: readonly StartPlan[]
  runs: number
  cache: Cache
  watch: RunOptions
  /** Called before each start of a cold round. */
  dropCaches(): Promise<void>
}

/**
 * One start of each subject that does not count, then `runs` rounds.
 * @returns per subject, in their order; undefined when no Python was seen in one of them.
 * @throws VERIFY_FAILED when one of the others ends otherwise than the original does
 */
export async function runRounds(
  engine: Engine,
  request: RoundsRequest,
  progress: Progress,
): Promise<Times[] | undefined> {
  const { runs, cache } = request
  const timed: StartTimes[][] = request.starts.map(() => [])
  const begin = ({ spec, runtimeClock }: StartPlan, ready = request.watch.ready) =>
    timeStart(engine, spec, { ...request.watch, ready, runtimeClock })
  const [original, ...others] = request.starts
  if (!original) throw new Error('nothing to start')
  const compared = others.map((plan) => {
    const again: Again = async (which, specs) =>
      (await begin(which === 'original' ? original : plan, { specs })).end
    return { title: plan.title, ends: new Ends(again, request.watch.limits) }
  })
  const id = `bench-${cache}`
  return await during(progress, [id, `Start them in turns, ${cache} page cache`], async (step) => {
    for (let round = cache === 'warm' ? -1 : 0; round < runs; round++) {
      step.update(`round ${Math.max(round, 0) + 1} of ${runs}`)
      const over: StartEnd[] = []
      for (const turn of request.starts.keys()) {
        // Each round begins with another one: nobody always follows the same neighbour.
        const index = (turn + Math.max(round, 0)) % request.starts.length
        const subject = request.starts[index]
        if (!subject) continue
        if (cache === 'cold') await request.dropCaches()
        const { end, times } = await begin(subject)
        over[index] = end
        if (times && round >= 0) timed[index]?.push(times)
      }
      const [before, ...after] = over
      for (const [index, { title, ends }] of compared.entries()) {
        if (before) ends.addOriginal(before)
        const end = after[index]
        const difference = end && (await ends.difference(end))
        if (difference !== undefined) throw startsOtherwise(request, title, difference)
      }
    }
    if (timed.some((list) => list.length === 0)) {
      step.fail('no Python process was seen')
      return undefined
    }
    step.done(`${runs} rounds`)
    return timed.map(toTimes)
  })
}

function startsOtherwise({ reference }: RoundsRequest, title: string, reason: string): PycdsError {
  return new PycdsError('VERIFY_FAILED', {
    message: `image ${reference} (${title}): it does not start as the original: ${reason}`,
    hint: 'Times of starts that end otherwise say nothing. Start it with PYCDS=off and without.',
  })
}

/** A moment counts only when every start had it. */
export function toTimes(starts: readonly StartTimes[]): Times {
  const all = (values: readonly (number | null)[]) => {
    const known = values.filter((value) => value !== null)
    return known.length === values.length ? (summarise(known) ?? null) : null
  }
  return {
    imports: all(starts.map((start) => start.imports)),
    ready: all(starts.map((start) => start.ready)),
    process: all(starts.map((start) => start.exit)),
  }
}
