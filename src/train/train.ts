// SPDX-License-Identifier: Apache-2.0
// The training run: the image's own command with the tracer preloaded into every process.
import type { Container, Engine } from '../bake/ports.js'
import { PycdsError } from '../errors/index.js'
import type { TarEntry } from '../tar/index.js'
import { parseTrace, type TracedProcess } from './trace.js'
import { type Watched, type WatchOptions, watch } from './watch.js'

/** Everything that a training run puts into its container lies here; none of it reaches the image. */
export const TRAINING_ROOT = '.pycds-train'
const TRACE_DIRECTORY = `/${TRAINING_ROOT}/trace`
const TIME_DIRECTORY = `/${TRAINING_ROOT}/time`
const EPOCH = new Date(0)

/** Variables of a baked image that a training run must not see. */
export const RUNTIME_VARIABLES = ['PYCDS_ARCHIVE', 'PYCDS', 'PYCDS_LOG'] as const

export interface TrainingSpec {
  image: string
  command?: readonly string[]
  /** LD_PRELOAD of the image itself, if any; the tracer is put behind it. */
  preload: string | undefined
  tracer: Buffer
}

export interface Training extends Watched {
  processes: TracedProcess[]
  /** Executables that look like Python but are no CPython that can be traced. */
  others: string[]
  /** Absolute paths that the run made or changed. */
  changed: Set<string>
}

/** Runs the image's command once and reads what its Python processes recorded. */
export async function train(
  engine: Engine,
  spec: TrainingSpec,
  options: Omit<WatchOptions, 'activity'> & { onImports?: (count: number) => void },
): Promise<Training> {
  const container = await engine.create({
    image: spec.image,
    ...(spec.command ? { command: spec.command } : {}),
    env: { LD_PRELOAD: preloadList(spec.preload), PYCDS_TRACE_DIR: TRACE_DIRECTORY },
    unsetEnv: RUNTIME_VARIABLES,
    network: 'none',
    files: trainingFiles(spec.tracer),
  })
  try {
    const activity = async () => {
      const count = (await container.stat(`${TRACE_DIRECTORY}/activity`))?.size ?? 0
      options.onImports?.(count)
      return count
    }
    const watched = await watch(container, { ...options, activity })
    const traces = await readTraces(container)
    assertComplete(
      spec.image,
      traces.processes,
      (await container.stat(`${TRACE_DIRECTORY}/activity`))?.size ?? 0,
    )
    return { ...watched, ...traces }
  } finally {
    await engine.remove(container)
  }
}

/** One timed start; see {@link timeStart}. Milliseconds. */
export interface TimedStart {
  imports: number
  /** Null when the process did not end by itself. */
  exit: number | null
}

/**
 * Starts the image's command with nothing but a clock in its Python processes.
 * Takes the process that imported most; undefined when there was none.
 */
export async function timeStart(
  engine: Engine,
  spec: TrainingSpec,
  options: Omit<WatchOptions, 'activity'>,
): Promise<TimedStart | undefined> {
  const container = await engine.create({
    image: spec.image,
    ...(spec.command ? { command: spec.command } : {}),
    env: { LD_PRELOAD: preloadList(spec.preload), PYCDS_TIME_DIR: TIME_DIRECTORY },
    network: 'none',
    files: trainingFiles(spec.tracer),
  })
  try {
    const activity = async () => (await readTimes(container)).reduce((sum, times) => sum + times.imports, 0)
    await watch(container, { ...options, activity })
    const [main] = (await readTimes(container)).sort((a, b) => b.imports - a.imports)
    if (!main || main.imports === 0) return undefined
    return {
      imports: (main.lastImport - main.started) / 1e6,
      exit: main.finished > 0 ? (main.finished - main.started) / 1e6 : null,
    }
  } finally {
    await engine.remove(container)
  }
}

function preloadList(own: string | undefined): string {
  const tracer = `/${TRAINING_ROOT}/pycds-tracer.so`
  return own ? `${own}:${tracer}` : tracer
}

/** Any user of the container must be able to write its trace, also after dropping privileges. */
function trainingFiles(tracer: Buffer): TarEntry[] {
  const owner = { uid: 0, gid: 0, mtime: EPOCH }
  return [
    { ...owner, name: TRAINING_ROOT, type: 'directory', mode: 0o755 },
    { ...owner, name: `${TRAINING_ROOT}/pycds-tracer.so`, type: 'file', mode: 0o555, body: tracer },
    { ...owner, name: `${TRAINING_ROOT}/trace`, type: 'directory', mode: 0o1777 },
    { ...owner, name: `${TRAINING_ROOT}/trace/activity`, type: 'file', mode: 0o666 },
    { ...owner, name: `${TRAINING_ROOT}/time`, type: 'directory', mode: 0o1777 },
  ]
}

async function readTraces(container: Container): Promise<Pick<Training, 'processes' | 'others' | 'changed'>> {
  const files = await container.readTree(TRACE_DIRECTORY)
  const processes: TracedProcess[] = []
  const others: string[] = []
  for (const [name, bytes] of [...files].sort(([a], [b]) => (a < b ? -1 : 1))) {
    if (name.endsWith('.other')) others.push(bytes.toString())
    const traced = name.endsWith('.trace') ? parseTrace(bytes) : undefined
    if (traced) processes.push(traced)
  }
  processes.sort((a, b) => a.pid - b.pid)
  const changed = new Set((await container.changes()).map((change) => change.path))
  return { processes, others: [...new Set(others)].sort(), changed }
}

/** A module is recorded before it is counted, so fewer records than counts mean that writing failed. */
function assertComplete(image: string, processes: readonly TracedProcess[], counted: number): void {
  const recorded = processes.reduce(
    (sum, { modules, extensions, leftOut }) => sum + modules.length + extensions.length + leftOut.length,
    0,
  )
  if (recorded >= counted) return
  throw new PycdsError('NO_SPACE', {
    message: `image ${image}: the trace of the training run is incomplete: ${recorded} of ${counted} imports were recorded`,
    hint: 'Free space where the engine keeps its containers (docker system df shows what uses it), then run again.',
  })
}

async function readTimes(container: Container) {
  const files = await container.readTree(TIME_DIRECTORY)
  return [...files.values()]
    .filter((bytes) => bytes.length >= 32)
    .map((bytes) => ({
      started: Number(bytes.readBigInt64LE(0)),
      lastImport: Number(bytes.readBigInt64LE(8)),
      finished: Number(bytes.readBigInt64LE(16)),
      imports: Number(bytes.readBigInt64LE(24)),
    }))
}
