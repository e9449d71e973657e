// SPDX-License-Identifier: Apache-2.0
// The image that a bake or a recording starts from, and how it is run.
import { environmentOf, shortId } from '../image/index.js'
import { during, type Progress } from '../log/index.js'
import type { ImageStore, Injected, SourceImage } from '../ports/index.js'
import { surroundingsOf } from './find-python.js'
import type { LearnInput, LearnRequest } from './learn.js'
import { healthCommand, type Surroundings, type TrainingSpec } from './run/index.js'
import { planReady } from './training.js'
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

/** How runs of the image are made; USAGE when it lacks what they are to wait for. */
export function planRuns(
  request: LearnRequest & { surroundings: Surroundings },
  source: SourceImage,
  injected: Injected,
): RunPlan {
  assertWholeCommand(request, source.config)
  const spec: TrainingSpec = {
    image: source.id,
    ...(request.command ? { command: request.command } : {}),
    preload: environmentOf(source.config).LD_PRELOAD,
    health: healthCommand(source.config),
    surroundings: request.surroundings,
    tracer: injected.tracer,
    probe: injected.probe,
  }
  return {
    spec,
    ready: planReady(request, source.config),
    scripts: injected.scripts,
    runtime: injected.runtime,
    surroundings: surroundingsOf(source.config),
  }
}
