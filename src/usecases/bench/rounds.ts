// SPDX-License-Identifier: Apache-2.0
// Starts all subjects in turns, so that whatever else the machine does falls on all of them.
import { type RunOptions, type TimedStart, type TrainingSpec, timeStart } from '../../learn/run/index.js'
import { during, type Progress } from '../../log/index.js'
import type { Engine } from '../../ports/index.js'
import { summarise } from '../../util/statistics.js'
import type { Cache, Times } from './result.js'

export interface RoundsRequest {
  /** How each subject is started, and by which clock it is timed. */
  starts: readonly { spec: TrainingSpec; runtimeClock: boolean }[]
  runs: number
  cache: Cache
  watch: RunOptions
  /** Called before each start of a cold round. */
  dropCaches(): Promise<void>
}

/**
 * One start of each subject that does not count, then `runs` rounds.
 * @returns per subject, in their order; undefined when no Python was seen in one of them.
 */
export async function runRounds(
  engine: Engine,
  request: RoundsRequest,
  progress: Progress,
): Promise<Times[] | undefined> {
  const { runs, cache } = request
  const timed: TimedStart[][] = request.starts.map(() => [])
  const id = `bench-${cache}`
  return await during(progress, [id, `Start them in turns, ${cache} page cache`], async (step) => {
    for (let round = cache === 'warm' ? -1 : 0; round < runs; round++) {
      step.update(`round ${Math.max(round, 0) + 1} of ${runs}`)
      for (const turn of request.starts.keys()) {
        // Each round begins with another one: nobody always follows the same neighbour.
        const index = (turn + Math.max(round, 0)) % request.starts.length
        const subject = request.starts[index]
        if (!subject) continue
        if (cache === 'cold') await request.dropCaches()
        const { spec, runtimeClock } = subject
        const start = await timeStart(engine, spec, { ...request.watch, runtimeClock })
        if (start && round >= 0) timed[index]?.push(start)
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

/** A moment counts only when every start had it. */
export function toTimes(starts: readonly TimedStart[]): Times {
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
