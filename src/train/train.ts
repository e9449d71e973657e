// SPDX-License-Identifier: Apache-2.0
// The training run: the image's own command with the tracer preloaded into every process.
import type { Container, Engine } from '../bake/ports.js'
import { PycdsError } from '../errors/index.js'
import type { TarEntry } from '../tar/index.js'
import { parseTrace, type TracedProcess } from './trace.js'
import { type Watched, type WatchOptions, watch } from './watch.js'

/** Everything that a training run puts into its container lies here; none of it reaches the image. */
const TRAINING_ROOT = '/.pycds-train'
const EPOCH = new Date(0)

/** Variables of a baked image that a training run must not see. */
export const RUNTIME_VARIABLES = ['PYCDS_ARCHIVE', 'PYCDS_LOG'] as const

export interface TrainingSpec {
  image: string
  command?: readonly string[]
  /** LD_PRELOAD of the image itself, if any; the tracer is put behind it. */
  preload: string | undefined
  tracer: Buffer
  /** Where the files of a run lie, if not in a directory of the container's root. */
  place?: TrainingPlace
}

export interface TrainingPlace {
  /** Absolute; made for the run. */
  directory: string
  /** The tracer as a file that is there already. */
  tracer: string
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
  const traces = `${rootOf(spec)}/trace`
  const container = await engine.create({
    image: spec.image,
    ...(spec.command ? { command: spec.command } : {}),
    // Not only unset: the hook of an image that was baked in place needs no variable.
    env: { LD_PRELOAD: preloadList(spec), PYCDS_TRACE_DIR: traces, PYCDS: 'off' },
    unsetEnv: RUNTIME_VARIABLES,
    network: 'none',
    files: trainingFiles(spec),
  })
  try {
    const activity = async () => {
      const count = (await container.stat(`${traces}/activity`))?.size ?? 0
      options.onImports?.(count)
      return count
    }
    const watched = await watch(container, { ...options, activity })
    const found = await readTraces(container, traces)
    assertComplete(spec.image, found.processes, (await container.stat(`${traces}/activity`))?.size ?? 0)
    return { ...watched, ...found }
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
  const times = `${rootOf(spec)}/time`
  const container = await engine.create({
    image: spec.image,
    ...(spec.command ? { command: spec.command } : {}),
    env: { LD_PRELOAD: preloadList(spec), PYCDS_TIME_DIR: times },
    network: 'none',
    files: trainingFiles(spec),
  })
  try {
    const activity = async () =>
      (await readTimes(container, times)).reduce((sum, { imports }) => sum + imports, 0)
    await watch(container, { ...options, activity })
    const [main] = (await readTimes(container, times)).sort((a, b) => b.imports - a.imports)
    if (!main || main.imports === 0) return undefined
    return {
      imports: (main.lastImport - main.started) / 1e6,
      exit: main.finished > 0 ? (main.finished - main.started) / 1e6 : null,
    }
  } finally {
    await engine.remove(container)
  }
}

function rootOf(spec: TrainingSpec): string {
  return spec.place?.directory ?? TRAINING_ROOT
}

function preloadList(spec: TrainingSpec): string {
  const tracer = spec.place?.tracer ?? `${TRAINING_ROOT}/pycds-tracer.so`
  return spec.preload ? `${spec.preload}:${tracer}` : tracer
}

/** Any user of the container must be able to write its trace, also after dropping privileges. */
function trainingFiles(spec: TrainingSpec): TarEntry[] {
  const root = rootOf(spec).slice(1)
  const owner = { uid: 0, gid: 0, mtime: EPOCH }
  return [
    { ...owner, name: root, type: 'directory', mode: 0o755 },
    ...(spec.place
      ? []
      : [
          {
            ...owner,
            name: `${root}/pycds-tracer.so`,
            type: 'file',
            mode: 0o555,
            body: spec.tracer,
          } as const,
        ]),
    { ...owner, name: `${root}/trace`, type: 'directory', mode: 0o1777 },
    { ...owner, name: `${root}/trace/activity`, type: 'file', mode: 0o666 },
    { ...owner, name: `${root}/time`, type: 'directory', mode: 0o1777 },
  ]
}

async function readTraces(
  container: Container,
  directory: string,
): Promise<Pick<Training, 'processes' | 'others' | 'changed'>> {
  const files = await container.readTree(directory)
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

async function readTimes(container: Container, directory: string) {
  const files = await container.readTree(directory)
  return [...files.values()]
    .filter((bytes) => bytes.length >= 32)
    .map((bytes) => ({
      started: Number(bytes.readBigInt64LE(0)),
      lastImport: Number(bytes.readBigInt64LE(8)),
      finished: Number(bytes.readBigInt64LE(16)),
      imports: Number(bytes.readBigInt64LE(24)),
    }))
}
