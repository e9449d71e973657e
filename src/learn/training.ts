// SPDX-License-Identifier: Apache-2.0
// The training run of a bake: what it is told, when it counts as failed, and what is said of it.
import { PycdsError } from '../errors/index.js'
import { commandOf, type ImageConfig } from '../image/index.js'
import { during } from '../log/index.js'
import { withoutLauncher } from '../marks/launcher.js'
import type { Container, RunPorts } from '../ports/index.js'
import type { PythonSurroundings } from './find-python.js'
import {
  automaticReady,
  describeUnseen,
  formatReady,
  healthCommand,
  hintFor,
  type ProbeSpec,
  type ReadyPlan,
  type ReadySpec,
  type RunLimits,
  type Training,
  type TrainingSpec,
  train,
  UNKNOWN_READY,
} from './run/index.js'
import { describeWithoutSite, groupByPython, type PythonGroup } from './select/interpreter.js'
import { usageCommand } from './whole-command.js'
import { whyUnseen } from './why-unseen.js'

/** What a training run is to do. */
export interface TrainingPlan {
  /** The image's command, modules by name, or only traces that were recorded before. */
  mode: 'entrypoint' | 'imports' | 'none'
  command: string[]
  imports: string[]
  readiness: string
}

/** The training run as results tell it. */
export interface TrainingSummary extends TrainingPlan {
  /** Null when the run was never ready and what it imported was kept. */
  endedBy: string | null
  seconds: number
  exitCode: number | null
  processes: number
  pythons: { executable: string; version: string; processes: number; modules: number; used: boolean }[]
  probes: { probe: string; ok: boolean; detail: string }[]
}

/** The part of a request that concerns the training run. */
export interface TrainingRequest {
  /** What is trained, as messages name it. */
  reference: string
  /** Replaces the image's entrypoint for the training run only. */
  command?: string[]
  /** Empty: as the image suggests. */
  ready: readonly ReadySpec[]
  probes: readonly ProbeSpec[]
  limits: RunLimits
  onTrainFailure: 'fail' | 'keep'
  /** By a build step, which has other options: files and the network are those of the build. */
  inBuild?: boolean
}

/** What is known of the image that is trained, beside how it is run. */
interface TrainingInput {
  ready: ReadyPlan
  /** The files of the image as they are before any run. */
  image: Pick<Container, 'stat' | 'lstat' | 'readFile'>
  surroundings: PythonSurroundings
}

/**
 * When a run is ready; USAGE when the image lacks what was asked for.
 * @param config of the image; undefined when it is not known.
 */
export function planReady(
  request: Pick<TrainingRequest, 'ready' | 'reference'>,
  config: ImageConfig | undefined,
): ReadyPlan {
  if (request.ready.length === 0) return config ? automaticReady(config) : UNKNOWN_READY
  if (request.ready.some(({ kind }) => kind === 'health') && !(config && healthCommand(config))) {
    throw new PycdsError('USAGE', {
      message: `--ready health: image ${request.reference} has no HEALTHCHECK`,
      hint: 'Use another --ready, such as port:8000 or http:8000/healthz.',
    })
  }
  return { specs: request.ready }
}

/**
 * Runs the training; a run that failed is thrown, or kept with a warning if that was asked for.
 * @throws TRAINING_FAILED, TRAINING_TIMEOUT
 */
export async function runTraining(
  request: TrainingRequest,
  spec: TrainingSpec,
  input: TrainingInput,
  ports: Omit<RunPorts, 'archiver'>,
): Promise<Training> {
  return await during(ports.progress, ['train', 'Run the entrypoint under import tracing'], async (step) => {
    const seen = await train(ports.engine, spec, {
      ready: input.ready,
      probes: request.probes,
      limits: request.limits,
      signal: ports.signal,
      onImports: (count) => step.update(`${count} modules`),
      onOutput: (stream, chunk) => ports.progress.appOutput(stream, chunk),
    })
    const hidden = seen.processes.length > 0 ? undefined : await whyUnseen(input.image, input.surroundings)
    const training = hidden ? { ...seen, unseen: [...seen.unseen, hidden] } : seen
    const failure = failureOf(request, training, input.surroundings.command)
    if (failure && request.onTrainFailure === 'fail') throw failure
    const warnings = failure
      ? [...training.warnings, `${failure.message}; what it imported was kept`]
      : training.warnings
    step.done(
      `${training.activity} modules in ${training.seconds.toFixed(1)} s, ended by ${training.by ?? 'time'}`,
    )
    return { ...training, warnings }
  })
}

/** A run without any Python is another matter: then there is nothing to keep. */
function failureOf(
  request: TrainingRequest,
  training: Training,
  own: readonly string[],
): PycdsError | undefined {
  const image = `image ${request.reference}`
  if (training.failure) {
    const { code, message, hint } = training.failure
    const [unseen] = training.processes.length > 0 ? [] : training.unseen
    if (unseen === undefined) return new PycdsError(code, { message: `${image}: ${message}`, hint })
    const because = `nothing was seen of its Python: ${describeUnseen(unseen)}`
    return new PycdsError(code, { message: `${image}: ${message}; ${because}`, hint: hintFor(unseen) })
  }
  if (training.exitCode && training.processes.length > 0) {
    const last = training.lastWords
    // What command lines end with that were not given what they need.
    const usage = training.exitCode === 2 && !request.command ? usageCommand(own) : undefined
    const example = usage === undefined ? '' : ` (\`-- ${usage}\`)`
    return new PycdsError('TRAINING_FAILED', {
      message:
        `${image}: the training run ended with exit code ${training.exitCode} ` +
        `after ${training.activity} imports${last ? `: ${last}` : ''}`,
      hint:
        `Give the run what it needs: variables by --train-env NAME=VALUE, files by ${filesBy(request)}. ` +
        `Or give a command that works without a network after \`--\`${example}, import modules only (--train imports, from which there is no snapshot), or keep what was seen with --on-train-failure keep. --app-output show prints all that it says.`,
    })
  }
  const failed = training.probes.filter(({ ok }) => !ok)
  const [first] = failed
  if (!first) return undefined
  return new PycdsError('TRAINING_FAILED', {
    message: `${image}: ${failed.length} of ${training.probes.length} probes failed: ${first.probe}: ${first.detail}`,
    hint: 'Correct the probe, or bake without what it reaches: --on-train-failure keep.',
  })
}

function filesBy({ inBuild }: Pick<TrainingRequest, 'inBuild'>): string {
  return inBuild ? 'a COPY into this stage' : '--mount SOURCE:TARGET'
}

/** What the user should know although the bake goes on. */
export function warningsFor(
  { reference }: Pick<TrainingRequest, 'reference'>,
  training: Training,
  chosen: PythonGroup,
): string[] {
  const others = groupByPython(training.processes).filter(
    (group) =>
      (group.python.library !== chosen.python.library || group.python.optimize !== chosen.python.optimize) &&
      group.modules > 0,
  )
  return [
    ...training.warnings,
    ...others.map(
      (group) =>
        `${group.python.executable} (${describeBuild(group)}) also ran: its ${group.modules} modules are not archived`,
    ),
    ...training.unseen.map((one) => `${describeUnseen(one)}; it was learned all the same`),
    ...training.withoutSite.map(describeWithoutSite),
    ...(chosen.processes.some((process) => process.noSite)
      ? [`${reference} also starts Python with -S: those processes cannot use the archive`]
      : []),
  ]
}

/** Code of another level of optimisation is other code: `3.13.5`, `3.13.5, -OO`. */
function describeBuild({ python }: PythonGroup): string {
  return python.optimize > 0 ? `${python.version}, -${'O'.repeat(python.optimize)}` : python.version
}

type Described = TrainingRequest & { mode?: TrainingPlan['mode']; imports?: readonly string[] }

/**
 * What a training run is to do, as results tell it.
 * @param config of the image; undefined when it is not known.
 * @param ready what was planned for it
 */
export function describePlan(
  request: Described,
  config: ImageConfig | undefined,
  ready: ReadyPlan,
): TrainingPlan {
  const mode = request.mode ?? 'entrypoint'
  return {
    mode,
    command:
      mode === 'entrypoint'
        ? (request.command ?? (config ? [...withoutLauncher(commandOf(config))] : []))
        : [],
    imports: [...(request.imports ?? [])],
    readiness: ready.specs.map(formatReady).join(', '),
  }
}

/** The training run as results tell it; the same parameters. */
export function describeTraining(
  request: Described,
  config: ImageConfig | undefined,
  ready: ReadyPlan,
  training: Training,
): TrainingSummary {
  const groups = groupByPython(training.processes)
  return {
    ...describePlan(request, config, ready),
    endedBy: training.by ?? null,
    seconds: training.seconds,
    exitCode: training.exitCode,
    processes: training.processes.length,
    pythons: groups.map((group, index) => ({
      executable: group.python.executable,
      version: group.python.version,
      processes: group.processes.length,
      modules: group.modules,
      used: index === 0,
    })),
    probes: training.probes,
  }
}
