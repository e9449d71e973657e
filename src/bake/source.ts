// SPDX-License-Identifier: Apache-2.0
// The image that a bake or a recording starts from, and how it is run.
import type { ImageConfig } from '../image/index.js'
import type { Progress } from '../log/index.js'
import { healthCommand, type Surroundings, type TrainingSpec } from '../train/index.js'
import type { Injected } from './archiver.js'
import { surroundingsOf } from './find-python.js'
import type { LearnInput, LearnRequest } from './learn.js'
import type { ImageStore, SourceImage } from './ports.js'
import { planReady } from './training.js'

/** Finds the image, as a step of the progress. */
export async function resolveSource(
  reference: string,
  ports: { store: ImageStore; progress: Progress },
): Promise<SourceImage> {
  const step = ports.progress.step('resolve', `Resolve ${reference}`)
  try {
    const source = await ports.store.resolve(reference)
    step.done(`${source.id.slice(7, 19)}, ${source.os}/${source.architecture}, ${source.layers} layers`)
    return source
  } catch (error) {
    step.fail('failed')
    throw error
  }
}

/** How runs of the image are made; USAGE when it lacks what they are to wait for. */
export function planRuns(
  request: LearnRequest & { surroundings: Surroundings },
  source: SourceImage,
  injected: Injected,
): Omit<LearnInput, 'image'> {
  const spec: TrainingSpec = {
    image: source.id,
    ...(request.command ? { command: request.command } : {}),
    preload: environment(source.config).LD_PRELOAD,
    health: healthCommand(source.config),
    surroundings: request.surroundings,
    tracer: injected.tracer,
    probe: injected.probe,
  }
  return {
    spec,
    ready: planReady(request, source.config),
    scripts: injected.scripts,
    surroundings: surroundingsOf(source.config),
  }
}

function environment(config: ImageConfig): Record<string, string> {
  const pairs = (config.config?.Env ?? []).map((entry): [string, string] => {
    const at = entry.indexOf('=')
    return at < 0 ? [entry, ''] : [entry.slice(0, at), entry.slice(at + 1)]
  })
  return Object.fromEntries(pairs)
}
