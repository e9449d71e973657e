// SPDX-License-Identifier: Apache-2.0
// Starts of an image that are no training runs: with its runtime reporting, with nothing but a clock, and timed.
import type { Container, ContainerSpec, Engine } from '../../ports/index.js'
import { RunPaths } from './files.js'
import { readRunLogs } from './run-logs.js'
import { containerSpec, ownPreload, type TrainingSpec } from './spec.js'
import { parseTimes, type Times } from './times.js'
import type { Unseen } from './unseen.js'
import type { WatchOptions } from './watch.js'
import { type Probed, type ProbedOptions, type RunOptions, watchRun } from './watch-run.js'

/** Has the runtime of a baked image say what becomes of each module. */
const REPORT = { PYCDS: 'report', PYCDS_LOG: 'modules' }

/** As whom, and with what rights, a start is tried that is not a training run; absent: as the image says. */
export type Rights = Pick<ContainerSpec, 'user' | 'readOnly' | 'dropCapabilities'>

/** A start that was watched, and how its probes went. */
export interface Start extends Probed {
  /** Pythons that LD_PRELOAD does not reach; known only of a run with a {@link TrainingSpec.loaderList}. */
  unseen: Unseen[]
}

/** Starts the image's command as it is, with probes but without the tracer; its runtime reports on stderr. */
export async function reportStart(
  engine: Engine,
  spec: TrainingSpec,
  options: ProbedOptions & Pick<WatchOptions, 'activity'>,
  rights: Rights = {},
): Promise<Start> {
  const traced = containerSpec(spec, REPORT)
  const { LD_PRELOAD: _, ...env } = traced.env
  const preload = ownPreload(spec)
  const container = await engine.create({
    ...traced,
    ...rights,
    plainEnvironment: true,
    env: { ...env, ...(preload === undefined ? {} : { LD_PRELOAD: preload }) },
  })
  return await watchStart(engine, container, spec, options)
}

/** The same without an archive, for comparison: with nothing but a clock, which tells when importing is over. */
export async function plainStart(
  engine: Engine,
  spec: TrainingSpec,
  options: ProbedOptions,
  rights: Rights = {},
): Promise<Start> {
  const { times } = new RunPaths(spec.place)
  const traced = containerSpec(spec, { PYCDS_TIME_DIR: times, PYCDS: 'off' })
  const container = await engine.create({ ...traced, ...rights })
  // One more, since nothing is counted where the clock cannot be written.
  const activity = async () =>
    (await readTimes(container, times)).reduce((sum, { imports }) => sum + imports, 1)
  return await watchStart(engine, container, spec, { ...options, activity })
}

/** Watches a start with its probes, and removes the container. */
async function watchStart(
  engine: Engine,
  container: Container,
  spec: TrainingSpec,
  options: ProbedOptions & Pick<WatchOptions, 'activity'>,
): Promise<Start> {
  try {
    const watched = await watchRun(container, spec, options)
    const hasNotes = spec.loaderList !== undefined
    const unseen = hasNotes ? (await readRunLogs(container, new RunPaths(spec.place).logs)).unseen : []
    return { ...watched, unseen }
  } finally {
    await engine.remove(container)
  }
}

/** How a start was over. */
export interface StartEnd {
  /** Null: it was still running when it was ended. */
  exitCode: number | null
  /** Until then. */
  seconds: number
}

/** What a clock tells of a start; see {@link timeStart}. Milliseconds. */
export interface StartTimes {
  imports: number
  /** Of the processor, until then. */
  processor: number
  /** Until it has both imported everything and bound a socket; null when it ended by itself or bound none. */
  ready: number | null
  /** Null when the process did not end by itself. */
  exit: number | null
}

/** One timed start. */
export interface TimedStart {
  end: StartEnd
  /** Of the process that imported most; undefined when there was none. */
  times: StartTimes | undefined
}

export interface TimeOptions {
  /**
   * Of a baked image: its processes start again without the tracer, which a process snapshot would not be used beside,
   * and their runtime goes on with the clock.
   */
  runtimeClock?: boolean
}

/**
 * Starts the image's command with nothing but a clock in its Python processes.
 * @throws the failure of a start that is never what was waited for, as TRAINING_TIMEOUT
 */
export async function timeStart(
  engine: Engine,
  spec: TrainingSpec,
  options: RunOptions & TimeOptions,
): Promise<TimedStart> {
  const { times } = new RunPaths(spec.place)
  const handover: Record<string, string> = options.runtimeClock ? { PYCDS_TIME_HANDOVER: '1' } : {}
  const container = await engine.create(containerSpec(spec, { PYCDS_TIME_DIR: times, ...handover }))
  try {
    const activity = async () =>
      (await readTimes(container, times)).reduce((sum, { imports }) => sum + imports, 0)
    // What has been timed need not end well.
    const limits = { ...options.limits, stopGraceSeconds: 0 }
    const watched = await watchRun(container, spec, { ...options, probes: [], limits, activity })
    if (watched.failure) throw watched.failure
    const { exitCode, seconds } = watched
    return { end: { exitCode, seconds }, times: timesOf(await readTimes(container, times)) }
  } finally {
    await engine.remove(container)
  }
}

function timesOf(all: readonly Times[]): StartTimes | undefined {
  const processes = [...all].sort((a, b) => b.imports - a.imports)
  const [main] = processes
  if (!main || main.imports === 0) return undefined
  // The one that listens may be the parent of the one that imports.
  const bound = Math.max(...processes.map((process) => process.bound))
  const since = (time: number) => (time - main.started) / 1e6
  const exit = main.finished > 0 ? since(main.finished) : null
  return {
    imports: since(main.lastImport),
    processor: main.processor / 1e6,
    // A program may bind a socket to see what the system can do; what ends by itself waits for nobody.
    ready: bound > 0 && exit === null ? since(Math.max(bound, main.lastImport)) : null,
    exit,
  }
}

async function readTimes(container: Container, directory: string): Promise<Times[]> {
  const files = await container.readTree(directory)
  return [...files.values()].flatMap((bytes) => parseTimes(bytes) ?? [])
}
