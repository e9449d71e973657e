// SPDX-License-Identifier: Apache-2.0
// The image that a bake or a recording starts from, and how it is run.
import { environmentOf, type ImageConfig, shortId } from '../image/index.js'
import { during, type Progress } from '../log/index.js'
import type { ImageStore, Injected, SourceImage } from '../ports/index.js'
import { present } from '../util/present.js'
import { type PythonSurroundings, surroundingsOf } from './find-python.js'
import type { LearnInput } from './learn.js'
import { healthCommand, type Surroundings, type TrainingPlace, type TrainingSpec } from './run/index.js'
import { planReady, type TrainingRequest } from './training.js'
import { assertWholeCommand } from './whole-command.js'

/** Finds the image, as a step of the progress. */
export async function resolveSource(
  reference: string,
  ports: { store: ImageStore; progress: Progress },
): Promise<SourceImage> {
  return await during(ports.progress, ['resolve', `Resolve ${reference}`], async (step) => {
    const source = await ports.store.resolve(reference)
    step.done(`${shortId(source.id)}, ${source.os}/${source.architecture}, ${source.layers} layers`)
    return source
  })
}

/** How runs of an image are made, and what is put into it afterwards. */
export interface RunPlan extends Omit<LearnInput, 'image'> {
  runtime: Buffer
}

/** What is run, and what is known of it beforehand. */
export interface RunSubject {
  /** As the engine knows it. */
  image: string
  /** Undefined when it is not known. */
  config: ImageConfig | undefined
  /** LD_PRELOAD of its own. */
  preload: string | undefined
  python: PythonSurroundings
  /** Where the files of runs lie, if not in a directory of the container's root. */
  place?: TrainingPlace
}

/** An image of a store as what is run. */
export function subjectOf({ id, config }: SourceImage): RunSubject {
  return {
    image: id,
    config,
    preload: environmentOf(config).LD_PRELOAD,
    python: surroundingsOf(config),
  }
}

/** What a user says of how a program of an image is run. */
export interface RunRequest {
  /** What is run, as messages name it. */
  reference: string
  /** Takes the place of the entrypoint. */
  command?: string[]
  surroundings: Surroundings
}

/** How one run is made; USAGE for a command that is none. */
export function specOf(
  { reference, command, surroundings }: RunRequest,
  { image, config, preload, place }: RunSubject,
  { tracer, probe }: Injected,
): TrainingSpec {
  assertWholeCommand({ reference, ...present({ command }) }, config)
  return {
    image,
    ...present({ command, place }),
    preload,
    health: config && healthCommand(config),
    surroundings,
    tracer,
    probe,
  }
}

/** How runs are made, and when they are ready; USAGE also when the image lacks what they are to wait for. */
export function planRuns(
  request: RunRequest & Pick<TrainingRequest, 'ready'>,
  subject: RunSubject,
  injected: Injected,
): RunPlan {
  return {
    spec: specOf(request, subject, injected),
    ready: planReady(request, subject.config),
    scripts: injected.scripts,
    runtime: injected.runtime,
    surroundings: subject.python,
  }
}
