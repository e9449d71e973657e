// SPDX-License-Identifier: Apache-2.0
// From typed flags to the requests of the use cases: the only place where a command line gets its meaning.
import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import { PycdsError } from '../../errors/index.js'
import type { ReadySpec } from '../../learn/run/index.js'
import type { BakeRequest } from '../../usecases/bake-request.js'
import type { BenchRequest } from '../../usecases/bench/request.js'
import type { PrepareRequest, PrepareRootRequest } from '../../usecases/prepare.js'
import type { RecordRequest } from '../../usecases/record.js'
import type { StepRequest } from '../../usecases/step.js'
import type { VerifyRequest } from '../../usecases/verify.js'
import { present } from '../../util/present.js'
import type { GivenFlag } from './config-flags.js'
import { LEARN, STOP_GRACE } from './flags.js'
import { type GateFlags, toGates } from './gate-flags.js'
import { GivenFiles } from './given-files.js'
import { type LearnFlags, toLearn } from './learn-flags.js'
import { type OutputFileFlags, toDocuments } from './output-files.js'
import { parseCount, parseDuration, parseFactor, parsePercentage, parseUser } from './parse.js'
import { parseProbe, parseReady } from './parse-ready.js'
import { parseSurroundings, type SurroundingsFlags } from './parse-surroundings.js'
import { readImageConfig } from './read-image-config.js'
import { type SnapshotFlags, toSnapshot } from './snapshot-flags.js'

/** Timed starts of each image beyond this tell nothing new. */
const MAX_MEASURE_RUNS = 1000
/** What the header of a tar can hold. */
const MAX_EPOCH = 0o77777777777

/** The flags that say how a run inside the image is watched; see `trainingFlags`. */
export interface TrainingFlags {
  ready?: string[] | undefined
  timeout: string
  'stop-grace'?: string | undefined
}

/** The flags that say what a training run does; see `runFlags`. */
export interface RunFlags extends TrainingFlags {
  probe?: string[] | undefined
  'on-train-failure': BakeRequest['onTrainFailure']
}

/** The flags that say how an archive is made; see `bakeFlags`. */
export interface ArchiveFlags extends RunFlags {
  validate: BakeRequest['validate']
}

/** The flags of `trace` as oclif delivers them. */
export interface RecordFlags extends RunFlags, SurroundingsFlags, LearnFlags {}

/** The flags of `bake` as oclif delivers them. */
export interface BakeFlags
  extends ArchiveFlags,
    SurroundingsFlags,
    LearnFlags,
    GateFlags,
    SnapshotFlags,
    OutputFileFlags {
  tag?: string | undefined
  output?: string | undefined
  pyc: BakeRequest['pyc']
  measure: string
  'dry-run': boolean
  'copy-referrers'?: boolean | undefined
}

/** The flags of `step` as oclif delivers them. */
export interface StepFlags
  extends ArchiveFlags,
    Omit<LearnFlags, 'train'>,
    SnapshotFlags,
    Omit<SurroundingsFlags, 'network' | 'mount' | 'add-host'> {
  train?: LearnFlags['train'] | undefined
  pyc: StepRequest['pyc']
  here: boolean
  python?: string | undefined
  output?: string | undefined
  'image-config'?: string | undefined
}

/** The flags of `bench` as oclif delivers them. */
export interface BenchFlags extends TrainingFlags, SurroundingsFlags {
  runs: string
  'min-speedup'?: string | undefined
}

/** The flags of `verify` as oclif delivers them. */
export interface VerifyFlags extends TrainingFlags, SurroundingsFlags {
  probe?: string[] | undefined
  'min-hit-rate'?: string | undefined
  user?: string | undefined
}

/** Makes the request of a bake; throws USAGE for a value that has no meaning. */
export async function toBakeRequest(
  reference: string,
  flags: BakeFlags,
  command: string[] | undefined,
  env: NodeJS.ProcessEnv,
  files: GivenFiles = new GivenFiles(),
): Promise<BakeRequest> {
  return {
    reference,
    ...present({ tag: flags.tag, output: flags.output, command }),
    ...toSnapshot(flags, flags.train),
    validate: flags.validate,
    gates: toGates(flags),
    pyc: flags.pyc,
    measureRuns: parseCount('--measure', flags.measure, MAX_MEASURE_RUNS),
    dryRun: flags['dry-run'],
    ...toDocuments(flags),
    ...(flags['copy-referrers'] === true ? { copyReferrers: true } : {}),
    ...toTimes(env),
    ...(await toTraining(flags, command, files)),
  }
}

/** Makes the request of a recording; throws USAGE for a value that has no meaning. */
export async function toRecordRequest(
  reference: string,
  flags: RecordFlags,
  command?: string[],
): Promise<RecordRequest> {
  return { reference, ...present({ command }), ...(await toTraining(flags, command, new GivenFiles())) }
}

async function toTraining(flags: RecordFlags, command: string[] | undefined, files: GivenFiles) {
  return {
    ...toTrainingRun(flags),
    ...(await toLearn(flags, command, files)),
    // Importing by name is over when all is imported.
    ...(flags.train === 'imports' ? { ready: [{ kind: 'exit' } as const] } : {}),
    surroundings: await parseSurroundings(flags, process.env, files),
  }
}

/** Makes the request of a comparison; throws USAGE for a value that has no meaning. */
export async function toBenchRequest(
  reference: string,
  baseline: string | undefined,
  flags: BenchFlags,
  command?: string[],
): Promise<BenchRequest> {
  const factor = flags['min-speedup']
  const minSpeedup = factor === undefined ? undefined : parseFactor('--min-speedup', factor)
  return {
    reference,
    ...present({ baseline, command, minSpeedup }),
    ...toRun(flags),
    runs: parseCount('--runs', flags.runs, MAX_MEASURE_RUNS, 1),
    surroundings: await parseSurroundings(flags),
  }
}

/** Makes the request of a verification; throws USAGE for a value that has no meaning. */
export async function toVerifyRequest(
  reference: string,
  flags: VerifyFlags,
  command?: string[],
): Promise<VerifyRequest> {
  const rate = flags['min-hit-rate']
  const minHitRate = rate === undefined ? undefined : parsePercentage('--min-hit-rate', rate)
  const user = flags.user === undefined ? undefined : parseUser('--user', flags.user)
  return {
    reference,
    ...present({ command, user, minHitRate }),
    ...toRun(flags),
    probes: toProbes(flags),
    surroundings: await parseSurroundings(flags),
  }
}

/** Makes the request of a bake in place; throws USAGE for a value that has no meaning. */
export async function toStepRequest(
  flags: StepFlags,
  command: string[] | undefined,
  env: NodeJS.ProcessEnv,
): Promise<StepRequest> {
  const files = new GivenFiles()
  const config = flags['image-config'] && (await readImageConfig(flags['image-config'], files))
  const train = flags.train ?? (flags.import ? 'imports' : 'entrypoint')
  return {
    ...present({ command, python: flags.python, output: flags.output && resolve(flags.output) }),
    ...(config ? { config } : {}),
    ...(await toTraining({ ...flags, train, network: 'default' }, command, files)),
    ...toSnapshot(flags, train),
    validate: flags.validate,
    pyc: flags.pyc,
    here: flags.here,
    ...toTimes(env),
  }
}

/** Makes the request of a preparation. */
export function toPrepareRequest(
  reference: string,
  flags: { tag?: string | undefined; output?: string | undefined },
  env: NodeJS.ProcessEnv,
): PrepareRequest {
  return { reference, ...present({ tag: flags.tag, output: flags.output }), ...toTimes(env) }
}

/**
 * Makes the request of a preparation in place: of a virtual environment, or of the root of a build step.
 * @throws USAGE for a directory that is no virtual environment
 */
export function toPrepareRootRequest(
  flags: {
    root?: string | undefined
    python?: string | undefined
    output?: string | undefined
    here: boolean
  },
  env: NodeJS.ProcessEnv,
): PrepareRootRequest {
  const environment = flags.root === undefined ? undefined : resolve(flags.root)
  if (environment !== undefined && !existsSync(`${environment}/pyvenv.cfg`)) {
    throw new PycdsError('USAGE', {
      message: `--root ${flags.root}: it is no virtual environment: it has no pyvenv.cfg`,
      hint: 'Name the directory that `python -m venv` has made; an image is prepared by its name.',
    })
  }
  if (environment?.includes('\n')) {
    throw new PycdsError('USAGE', {
      message: `--root ${JSON.stringify(flags.root)}: a line break in the path of what is to learn`,
      hint: 'Give the environment another name.',
    })
  }
  const { python, output, here } = flags
  return { here, ...present({ environment, python, output: output && resolve(output) }), ...toTimes(env) }
}

/** Flags of `bake` and `step` that mean something where nothing is run: which image, where the new one goes, what is told. */
const OF_PREPARING: readonly string[] = [
  ...['train', 'prepare', 'python', 'user', 'here', 'image-config', 'on-failure'],
  ...['tag', 'output', 'platform', 'runtime', 'cache-dir', 'cache-size'],
  ...['metadata-file', 'iidfile', 'progress', 'app-output', 'json'],
]

/**
 * USAGE for what belongs to a training run where none is made.
 * @param asked the flag that asked for that
 */
export function assertNothingTrained(
  asked: string,
  given: readonly GivenFlag[],
  command: string[] | undefined,
): void {
  const other = given.find(
    ({ flag, input }) => !OF_PREPARING.includes(flag) || (flag === 'train' && input !== LEARN),
  )
  const what = command ? 'a command behind --' : other && `--${other.flag}`
  if (what === undefined) return
  throw new PycdsError('USAGE', {
    message: `${asked}: nothing is run or learned in the build, and ${what} says how`,
    hint: 'Leave one of them out.',
  })
}

/** The time of what is written, where the environment tells one, as reproducible-builds.org has it. */
function toTimes({ SOURCE_DATE_EPOCH: epoch }: NodeJS.ProcessEnv): { sourceDateEpoch?: number } {
  if (!epoch) return {}
  const seconds = /^\d+$/.test(epoch) ? Number(epoch) : Number.NaN
  if (seconds <= MAX_EPOCH) return { sourceDateEpoch: seconds }
  throw new PycdsError('USAGE', {
    message: `SOURCE_DATE_EPOCH ${epoch}: not a time in seconds since 1970`,
    hint: `Set it to a whole number from 0 to ${MAX_EPOCH}, or unset it.`,
  })
}

function toTrainingRun(flags: RunFlags) {
  return {
    ...toRun(flags),
    probes: toProbes(flags),
    onTrainFailure: flags['on-train-failure'],
  }
}

function toProbes({ probe = [] }: Pick<RunFlags, 'probe'>) {
  return probe.map((text) => parseProbe('--probe', text))
}

function toRun(flags: TrainingFlags) {
  return {
    ready: (flags.ready ?? []).map((text): ReadySpec => parseReady('--ready', text)),
    limits: {
      timeoutMs: parseDuration('--timeout', flags.timeout),
      // Engines count whole seconds; rounding up keeps a short grace from becoming none.
      stopGraceSeconds: Math.ceil(parseDuration('--stop-grace', flags['stop-grace'] ?? STOP_GRACE) / 1000),
    },
  }
}
