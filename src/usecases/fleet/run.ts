// SPDX-License-Identifier: Apache-2.0
// Several bakes, as many at once as were asked for and as there is memory for. One that fails does not keep the others
// from being made, whatever it failed of.
import { toErrorDocument, toPycdsError } from '../../errors/index.js'
import type { Progress, Step } from '../../log/index.js'
import { formatFactor } from '../../util/units.js'
import { withoutName } from '../../util/without-name.js'
import type { ImageOutcome, Made } from './outcome.js'

/** What the bake of one image is given. */
export interface Task {
  progress: Progress
  signal: AbortSignal
  /** What an earlier run with the same results made of the image. */
  before: ImageOutcome | undefined
}

/** What is to be done under a name; undefined: the image is as `before` tells. */
export interface NamedWork {
  name: string
  work(task: Task): Promise<Made | undefined>
}

/** Where outcomes are kept from run to run. */
export interface Journal {
  read(name: string): Promise<ImageOutcome | undefined>
  write(outcome: ImageOutcome): Promise<void>
}

export interface FleetOptions {
  /** At most so many at once. */
  jobs: number
  /** Whether there is memory for one more beside others; one alone is never kept waiting. */
  hasRoom(): boolean
  journal: Journal | undefined
  progress: Progress
  /** Ends the run: nothing more is begun, and what runs is waited for. */
  signal: AbortSignal
}

/** Does it all; only an interruption, or results that cannot be kept, end it before. */
export async function bakeAll(
  images: readonly NamedWork[],
  { jobs, hasRoom, journal, progress, signal }: FleetOptions,
): Promise<ImageOutcome[]> {
  const outcomes = new Map<NamedWork, ImageOutcome>()
  const running = new Set<Promise<void>>()
  const failed: unknown[] = []
  const start = (image: NamedWork) => {
    const done = one(image, journal, { progress, signal })
      .then((outcome) => void outcomes.set(image, outcome))
      .catch((error) => void failed.push(error))
      .finally(() => void running.delete(done))
    running.add(done)
  }
  for (const image of images) {
    while (running.size >= jobs || (running.size > 0 && !hasRoom())) await Promise.race(running)
    if (signal.aborted || failed.length > 0) break
    start(image)
  }
  await Promise.all(running)
  signal.throwIfAborted()
  if (failed.length > 0) throw failed[0]
  return images.flatMap((image) => outcomes.get(image) ?? [])
}

async function one(
  { name, work }: NamedWork,
  journal: Journal | undefined,
  { progress, signal }: Pick<Task, 'progress' | 'signal'>,
): Promise<ImageOutcome> {
  const before = await journal?.read(name)
  const began = performance.now()
  const step = progress.step('bake', name)
  let made: Made | undefined
  try {
    made = await work({ progress: within(progress, name, step), signal, before })
  } catch (error) {
    const failure = toPycdsError(error)
    step.fail(`${name}: ${withoutName(name, failure.message)}`)
    signal.throwIfAborted()
    const { error: told } = toErrorDocument(failure)
    return await keep({ name, state: 'failed', key: null, seconds: since(began), result: null, error: told })
  }
  if (made === undefined && before !== undefined) {
    step.done(`${name}: baked by an earlier run`)
    return { ...before, state: 'unchanged' }
  }
  if (made === undefined) throw new Error(`${name}: nothing was made of it`)
  const state = made.schema === 'io.pycds.unchanged/1' ? 'unchanged' : 'baked'
  step.done(
    `${name}: ${made.schema === 'io.pycds.bake/1' && made.output === null ? 'dry run' : state}${gainOf(made)}`,
  )
  return await keep({ name, state, key: made.key, seconds: since(began), result: made, error: null })

  async function keep(outcome: ImageOutcome): Promise<ImageOutcome> {
    await journal?.write(outcome)
    return outcome
  }
}

/** The steps of one bake as what its own step is at. */
function within(progress: Progress, name: string, own: Step): Progress {
  const silent: Step = { update() {}, done() {}, fail() {} }
  return {
    step(_id, title) {
      own.update(title)
      return silent
    },
    warn: (message) => progress.warn(`${name}: ${message}`),
    appOutput: (stream, chunk) => progress.appOutput(stream, chunk),
  }
}

function gainOf(made: Made): string {
  const start = made.schema === 'io.pycds.bake/1' ? made.start : null
  return start === null || start.noisy ? '' : `, starts ${formatFactor(start.speedup)} as fast`
}

function since(began: number): number {
  return Math.round(performance.now() - began) / 1000
}
