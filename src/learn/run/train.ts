// SPDX-License-Identifier: Apache-2.0
// The training run: the image's own command with the tracer preloaded into every process.

import { PycdsError } from '../../errors/index.js'
import { ARTIFACT_VARIABLES, LEARN_VARIABLES } from '../../marks/marks.js'
import type { Container, ContainerSpec, Engine } from '../../ports/index.js'
import { compare } from '../../util/order.js'
import { parseRunLog, type RunLogProcess } from '../runlog/run-log.js'
import { type RunParts, RunPaths, type TrainingPlace } from './files.js'
import { Inside } from './inside.js'
import { type ProbeResult, type ProbeSpec, runProbes } from './probes.js'
import { Redactor } from './redact.js'
import { ALONE, isMounted, type Surroundings, surround } from './surroundings.js'
import { parseTimes, type Times } from './times.js'
import { distinct, parseUnseen, type Unseen } from './unseen.js'
import { type Watched, type WatchOptions, watch } from './watch.js'

/** Variables of a baked image that a training run must not see. */
const RUNTIME_VARIABLES = [...ARTIFACT_VARIABLES, ...LEARN_VARIABLES, 'PYCDS_LOG']

/** Has the runtime of a baked image say what becomes of each module. */
const REPORT = { PYCDS: 'report', PYCDS_LOG: 'modules' }

const PROBE_TIMEOUT_MS = 30_000
const LISTED_CONNECTIONS = 3

export interface TrainingSpec extends RunParts {
  image: string
  command?: readonly string[]
  /** LD_PRELOAD of the image itself, if any; the tracer is put behind it. */
  preload: string | undefined
  /** The command of the image's HEALTHCHECK, if it has one. */
  health?: readonly string[] | undefined
  /** Where the files of a run lie, if not in a directory of the container's root. */
  place?: TrainingPlace
  /** Further files for the command, by name. */
  files?: Readonly<Record<string, Buffer>>
  /** If not the image alone. */
  surroundings?: Surroundings
  /**
   * What the image has in the loader's own list of libraries. Where it is given, and be it empty, the tracer is put into
   * that list, too, which reaches programs that LD_PRELOAD does not; such a run needs a root that is thrown away.
   */
  loaderList?: string
}

/** How a run is watched, as far as a user says. */
export type RunOptions = Pick<WatchOptions, 'ready' | 'limits' | 'signal' | 'onOutput'>

export interface TrainingOptions extends RunOptions {
  probes: readonly ProbeSpec[]
  onImports?: (count: number) => void
}

export interface Training extends Watched {
  processes: RunLogProcess[]
  /** Executables that look like Python but are no CPython that can be traced. */
  others: string[]
  /** Executables whose interpreter reads no site directory, as that of frozen applications: no hook runs in it. */
  withoutSite: string[]
  /** Pythons that LD_PRELOAD does not reach, whether they were traced all the same or not. */
  unseen: Unseen[]
  /** Connections that no program of the run got, as a warning names them. */
  unreached: string[]
  /** The sources of modules that are there because of the run: made or changed by it, or mounted. */
  changed: ReadonlySet<string>
  probes: ProbeResult[]
}

/** Runs the image's command once and reads what its Python processes recorded. */
export async function train(engine: Engine, spec: TrainingSpec, options: TrainingOptions): Promise<Training> {
  const paths = new RunPaths(spec.place)
  const container = await engine.create({
    // Not only unset: the hook of an image that was baked in place needs no variable.
    ...containerSpec(spec, { PYCDS_TRACE_DIR: paths.logs, PYCDS: 'off' }),
    unsetEnv: RUNTIME_VARIABLES,
  })
  const activity = async () => {
    const count = (await container.stat(paths.activity))?.size ?? 0
    options.onImports?.(count)
    return count
  }
  let probes: ProbeResult[] = []
  const whenReady = async (inside: Inside) => {
    probes = await runProbes(options.probes, inside, PROBE_TIMEOUT_MS)
  }
  try {
    const hasProbes = options.probes.length > 0
    const watched = await watchRun(container, spec, { ...options, activity, ...(hasProbes && { whenReady }) })
    const logs = await readRunLogs(container, paths.logs)
    // Asked once more: a short run is over before anybody has looked.
    const counted = await activity()
    assertComplete(spec.image, logs.processes, counted)
    const origins = logs.processes.flatMap(({ modules }) => modules.map(({ origin }) => origin))
    const made = await container.changed([...new Set(origins)])
    const mounted = origins.filter((path) => isMounted(path, spec.surroundings ?? ALONE))
    const kept = withoutValues(logs, spec)
    const warnings = [...watched.warnings, ...waitsFor(watched, kept.unreached)]
    return {
      ...watched,
      warnings,
      activity: counted,
      ...kept,
      changed: new Set([...made, ...mounted]),
      probes: hideValues(probes, spec),
    }
  } finally {
    await engine.remove(container)
  }
}

/** As whom, and with what rights, a start is tried that is not a training run; absent: as the image says. */
export type Rights = Pick<ContainerSpec, 'user' | 'readOnly' | 'dropCapabilities'>

/** A start that was watched, and how its probes went. */
export interface Start extends Watched {
  probes: ProbeResult[]
  /** Pythons that LD_PRELOAD does not reach; known only of a run with a {@link TrainingSpec.loaderList}. */
  unseen: Unseen[]
}

/** Starts the image's command as it is, with probes but without the tracer; its runtime reports on stderr. */
export async function reportStart(
  engine: Engine,
  spec: TrainingSpec,
  options: TrainingOptions & Pick<WatchOptions, 'activity'>,
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
  options: TrainingOptions,
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
  options: TrainingOptions & Pick<WatchOptions, 'activity'>,
): Promise<Start> {
  let probes: ProbeResult[] = []
  const whenReady = async (inside: Inside) => {
    probes = await runProbes(options.probes, inside, PROBE_TIMEOUT_MS)
  }
  try {
    const hasProbes = options.probes.length > 0
    const watched = await watchRun(container, spec, { ...options, ...(hasProbes && { whenReady }) })
    const hasNotes = spec.loaderList !== undefined
    const unseen = hasNotes ? (await readRunLogs(container, new RunPaths(spec.place).logs)).unseen : []
    return { ...watched, probes: hideValues(probes, spec), unseen }
  } finally {
    await engine.remove(container)
  }
}

/** One timed start; see {@link timeStart}. Milliseconds. */
export interface TimedStart {
  imports: number
  /** Until it has both imported everything and bound a socket; null when it ended by itself or bound none. */
  ready: number | null
  /** Null when the process did not end by itself. */
  exit: number | null
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
 * Takes the process that imported most; undefined when there was none.
 */
export async function timeStart(
  engine: Engine,
  spec: TrainingSpec,
  options: RunOptions & TimeOptions,
): Promise<TimedStart | undefined> {
  const { times } = new RunPaths(spec.place)
  const handover: Record<string, string> = options.runtimeClock ? { PYCDS_TIME_HANDOVER: '1' } : {}
  const container = await engine.create(containerSpec(spec, { PYCDS_TIME_DIR: times, ...handover }))
  try {
    const activity = async () =>
      (await readTimes(container, times)).reduce((sum, { imports }) => sum + imports, 0)
    // What has been timed need not end well.
    const limits = { ...options.limits, stopGraceSeconds: 0 }
    const { failure } = await watchRun(container, spec, { ...options, limits, activity })
    if (failure) throw failure
    const processes = (await readTimes(container, times)).sort((a, b) => b.imports - a.imports)
    const [main] = processes
    if (!main || main.imports === 0) return undefined
    // The one that listens may be the parent of the one that imports.
    const bound = Math.max(...processes.map((process) => process.bound))
    const since = (time: number) => (time - main.started) / 1e6
    const exit = main.finished > 0 ? since(main.finished) : null
    return {
      imports: since(main.lastImport),
      // A program may bind a socket to see what the system can do; what ends by itself waits for nobody.
      ready: bound > 0 && exit === null ? since(Math.max(bound, main.lastImport)) : null,
      exit,
    }
  } finally {
    await engine.remove(container)
  }
}

/** The container of a run, with the tracer in front of everything that the image starts. */
function containerSpec(spec: TrainingSpec, env: Record<string, string>): ContainerSpec {
  const paths = new RunPaths(spec.place)
  const surroundings = spec.surroundings ?? ALONE
  const preload = ownPreload(spec)
  return {
    image: spec.image,
    ...(spec.command ? { command: spec.command } : {}),
    ...surround(surroundings),
    env: { ...surroundings.env, ...env, LD_PRELOAD: preload ? `${preload}:${paths.tracer}` : paths.tracer },
    files:
      spec.loaderList === undefined
        ? paths.entries(spec, spec.files)
        : paths.entriesWithLoader(spec, { list: spec.loaderList, env }, spec.files),
  }
}

/** Watches a run of a container that the files of a run were put into; nothing that it tells holds a given value. */
async function watchRun(
  container: Container,
  spec: TrainingSpec,
  options: RunOptions & Pick<WatchOptions, 'activity'> & { whenReady?: (inside: Inside) => Promise<void> },
): Promise<Watched> {
  const redactor = new Redactor(spec.surroundings?.env ?? {})
  const inside = new Inside(container, new RunPaths(spec.place).probe, ownPreload(spec))
  const output = options.onOutput && redactor.output(options.onOutput)
  const { whenReady, onOutput: _, ...rest } = options
  const watched = await watch(container, {
    ...rest,
    ...(output ? { onOutput: output.push } : {}),
    ...(whenReady ? { whenReady: () => whenReady(inside) } : {}),
    inside,
    health: spec.health,
  })
  output?.flush()
  const { failure } = watched
  return {
    ...watched,
    warnings: watched.warnings.map((text) => redactor.text(text)),
    ...(failure && {
      failure: new PycdsError(failure.code, { message: redactor.text(failure.message), hint: failure.hint }),
    }),
  }
}

/** A text that was compiled may be made of a variable that the image does not have. */
function withoutValues<T extends Pick<Training, 'processes' | 'unreached'>>(logs: T, spec: TrainingSpec): T {
  const redactor = new Redactor(spec.surroundings?.env ?? {})
  const processes = logs.processes.map((process) => ({
    ...process,
    regexes: process.regexes.filter(
      ({ pattern }) => !redactor.finds(pattern) && !redactor.finds(withoutEscapes(pattern)),
    ),
    sources: process.sources.filter(
      ({ text, filename }) => !redactor.finds(text) && !redactor.finds(filename),
    ),
  }))
  return { ...logs, processes, unreached: logs.unreached.map((text) => redactor.text(text)) }
}

/** A program that is quiet because it waits for something has not started. */
function waitsFor({ by, exitCode }: Watched, unreached: readonly string[]): string[] {
  if (by !== 'quiet' || exitCode !== null || unreached.length === 0) return []
  const names = unreached.slice(0, LISTED_CONNECTIONS).join(', ')
  const more =
    unreached.length > LISTED_CONNECTIONS ? ` and ${unreached.length - LISTED_CONNECTIONS} more` : ''
  return [
    `the program was still running when the training run was ended, and did not get its connections: ${names}${more}; ` +
      'what it imports once it has them is not in the archive (--network, --add-host, --mount and --train-env give a run what it needs)',
  ]
}

/** As it was before `re.escape`. */
function withoutEscapes(pattern: Buffer): Buffer {
  return Buffer.from(pattern.toString().replace(/\\(.)/gs, '$1'))
}

function hideValues(probes: readonly ProbeResult[], spec: TrainingSpec): ProbeResult[] {
  const redactor = new Redactor(spec.surroundings?.env ?? {})
  return probes.map(({ probe, ok, detail }) => ({
    probe: redactor.text(probe),
    ok,
    detail: redactor.text(detail),
  }))
}

/** LD_PRELOAD of the application itself. */
function ownPreload({ surroundings, preload }: TrainingSpec): string | undefined {
  return surroundings?.env.LD_PRELOAD ?? preload
}

async function readRunLogs(
  container: Container,
  directory: string,
): Promise<Pick<Training, 'processes' | 'others' | 'withoutSite' | 'unreached' | 'unseen'>> {
  const files = await container.readTree(directory)
  const processes: RunLogProcess[] = []
  const unseen: Unseen[] = []
  const others: string[] = []
  const withoutSite: string[] = []
  const unreached: string[] = []
  for (const [name, bytes] of [...files].sort(([a], [b]) => compare(a, b))) {
    if (name.endsWith('.other')) others.push(bytes.toString())
    if (name.endsWith('.nosite')) withoutSite.push(bytes.toString())
    const note = name.endsWith('.unseen') ? parseUnseen(bytes.toString()) : undefined
    if (note) unseen.push(note)
    if (name.endsWith('.unreached')) unreached.push(...describeUnreached(bytes.toString()))
    const traced = name.endsWith('.runlog') ? parseRunLog(name, bytes) : undefined
    if (traced) processes.push(traced)
  }
  processes.sort((a, b) => a.pid - b.pid)
  const once = (names: readonly string[]) => [...new Set(names)].sort()
  return {
    processes,
    others: once(others),
    withoutSite: once(withoutSite),
    unreached: once(unreached),
    unseen: distinct(unseen),
  }
}

/** Lines of a reason and an address or a name. */
function describeUnreached(text: string): string[] {
  const reasons: Readonly<Record<string, string>> = { unknown: 'no such name' }
  return text.split('\n').flatMap((line) => {
    const [, reason = '', target] = /^(refused|unreachable|unknown) (.+)$/.exec(line) ?? []
    return target === undefined ? [] : [`${target} (${reasons[reason] ?? reason})`]
  })
}

/** A module is recorded before it is counted, so fewer records than counts mean that writing failed. */
function assertComplete(image: string, processes: readonly RunLogProcess[], counted: number): void {
  const recorded = processes.reduce(
    (sum, { modules, extensions, leftOut }) => sum + modules.length + extensions.length + leftOut.length,
    0,
  )
  if (recorded >= counted) return
  throw new PycdsError('NO_SPACE', {
    message: `image ${image}: the log of the training run is incomplete: ${recorded} of ${counted} imports were recorded`,
    hint: 'Free space where the engine keeps its containers (docker system df shows what uses it), then run again.',
  })
}

async function readTimes(container: Container, directory: string): Promise<Times[]> {
  const files = await container.readTree(directory)
  return [...files.values()].flatMap((bytes) => parseTimes(bytes) ?? [])
}
