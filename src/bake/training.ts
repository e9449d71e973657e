// SPDX-License-Identifier: Apache-2.0
// The training run as a step of a bake: progress, judging how it ended, and what is said of it.
import { PycdsError } from '../errors/index.js'
import type { ImageConfig } from '../image/index.js'
import type { Progress } from '../log/index.js'
import {
  DEFAULT_READY,
  formatReady,
  type ReadySpec,
  type Training,
  type TrainingSpec,
  train,
} from '../train/index.js'
import { groupByPython, type PythonGroup } from './interpreter.js'
import type { Engine } from './ports.js'
import type { BakeResult } from './result.js'

/** The part of a request that concerns the training run. */
export interface TrainingRequest {
  /** What is trained, as messages name it. */
  reference: string
  /** Replaces the image's entrypoint for the training run only. */
  command?: string[]
  /** Empty: the process ends or falls quiet. */
  ready: ReadySpec[]
  timeoutMs: number
  stopGraceSeconds: number
  onTrainFailure: 'fail' | 'keep'
}

export interface TrainingPorts {
  engine: Engine
  progress: Progress
  signal: AbortSignal
}

/** Trains; TRAINING_FAILED when the program crashed and that is not to be kept. */
export async function runTraining(
  request: TrainingRequest,
  spec: TrainingSpec,
  ports: TrainingPorts,
): Promise<Training> {
  const step = ports.progress.step('train', 'Run the entrypoint under import tracing')
  const tail: string[] = []
  try {
    const training = await train(ports.engine, spec, {
      ready: request.ready.length > 0 ? request.ready : DEFAULT_READY,
      timeoutMs: request.timeoutMs,
      stopGraceSeconds: request.stopGraceSeconds,
      signal: ports.signal,
      onImports: (count) => step.update(`${count} modules`),
      onOutput: (stream, chunk) => {
        ports.progress.appOutput(stream, chunk)
        tail.push(chunk.toString())
        if (tail.length > 50) tail.shift()
      },
    })
    if (training.exitCode && training.processes.length > 0 && request.onTrainFailure === 'fail') {
      throw trainingFailed(request, training, tail)
    }
    step.done(`${training.activity} modules in ${training.seconds.toFixed(1)} s, ended by ${training.by}`)
    return training
  } catch (error) {
    step.fail('failed')
    throw error
  }
}

function trainingFailed(request: TrainingRequest, training: Training, tail: readonly string[]): PycdsError {
  const last = tail.join('').trimEnd().split('\n').at(-1)
  return new PycdsError('TRAINING_FAILED', {
    message:
      `image ${request.reference}: the training run ended with exit code ${training.exitCode} ` +
      `after ${training.activity} imports${last ? `: ${last}` : ''}`,
    hint: 'Give a command that works without a network after `--`, or keep what was seen with --on-train-failure keep.',
  })
}

/** What a user should know although the bake goes on. */
export function warningsFor(
  request: Pick<TrainingRequest, 'reference'>,
  training: Training,
  chosen: PythonGroup,
): string[] {
  const others = groupByPython(training.processes).filter(
    (group) => group.python.library !== chosen.python.library && group.modules > 0,
  )
  return [
    ...(training.exitCode
      ? [`the training run ended with exit code ${training.exitCode}; what it imported was kept`]
      : []),
    ...others.map(
      (group) =>
        `${group.python.executable} (${group.python.version}) also ran: its ${group.modules} modules are not archived`,
    ),
    ...(chosen.processes.some((process) => process.noSite)
      ? [`${request.reference} also starts Python with -S: those processes cannot use the archive`]
      : []),
  ]
}

/**
 * The training run as results tell it.
 * @param config of the image; undefined when it is not known.
 */
export function describeTraining(
  request: TrainingRequest,
  config: ImageConfig | undefined,
  training: Training,
): BakeResult['training'] {
  const { Entrypoint, Cmd } = config?.config ?? {}
  const groups = groupByPython(training.processes)
  return {
    command: request.command ?? [...(Entrypoint ?? []), ...(Cmd ?? [])],
    readiness: (request.ready.length > 0 ? request.ready : DEFAULT_READY).map(formatReady).join(', '),
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
  }
}
