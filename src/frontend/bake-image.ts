// SPDX-License-Identifier: Apache-2.0
// One image of a build: the trace step is run, and the image gets its layer and settings, or stays as it is.

import { PycdsError } from '../errors/index.js'
import { addSettings, commandOf, removeSettings } from '../image/index.js'
import {
  ARTIFACT_VARIABLES,
  artifactEnvironment,
  COMMENTS,
  LABELS,
  learnEnvironment,
} from '../marks/marks.js'
import { FOLDER } from '../marks/places.js'
import type { Delegation } from './delegate.js'
import { BuilderError, type Capabilities, type Gateway } from './gateway/index.js'
import type { Ref } from './gen/gateway_pb.js'
import type { BuildConfig, BuiltImage } from './images.js'
import { fromDefinition, type State, toDefinition } from './llb/index.js'
import { assertArchived, type Outcome, readOutcome } from './outcome.js'
import { baked, PLACE, STATUS_PATH, type TraceStep, traced } from './trace-step.js'
import { warn } from './warn.js'

export interface BakeContext {
  readonly gateway: Gateway
  readonly capabilities: Capabilities
  readonly cacheImports: Delegation['cacheImports']
  /** When this build began, in milliseconds since 1970. */
  readonly started: number
  /** Of this program, for the image's history and labels. */
  readonly version: string
}

/** An image, and what is to be run on it; nothing where there is nothing to start. */
export interface PlannedImage {
  readonly image: BuiltImage
  readonly step: TraceStep | undefined
}

/** What a step is made of for an image; undefined when there is nothing to start, so nothing to speed up. */
export function stepFor(
  image: BuiltImage,
  settings: Pick<TraceStep, 'options' | 'tool' | 'sourceDateEpoch' | 'ignoreCache'>,
): TraceStep | undefined {
  const state = fromDefinition(image.ref.def)
  const starts = commandOf(image.config).length > 0 || (settings.options.command?.length ?? 0) > 0
  if (state === undefined || !starts || image.platform.os !== 'linux') return undefined
  return { ...settings, image: state, config: image.config, platform: image.platform }
}

/**
 * Bakes one image of the build. An image that cannot be baked comes back as it is, with a warning, or the
 * error is thrown: as the options say. Errors of the image's own build are thrown as they are.
 */
export async function bakeImage(
  image: BuiltImage,
  step: TraceStep,
  context: BakeContext,
): Promise<BuiltImage> {
  const out = traced(step)
  const outcome = await runStep(out, step, context)
  if (outcome.kind === 'failed') {
    const { error } = outcome
    if (step.options.onFailure === 'fail' || error.code === 'USAGE') throw error
    await warn(`the image is built without an archive: ${error.message}`, [error.hint], out, context)
    return image
  }
  if (outcome.kind === 'baked') {
    assertArchived(outcome, step.options.minArchived)
    for (const warning of outcome.warnings) await warn(warning, [], out, context)
  }
  const ref = await solve(baked(step, out), context)
  return { ...image, ref, config: withLayer(image.config, outcome, context.version) }
}

async function runStep(out: State, step: TraceStep, context: BakeContext): Promise<Outcome> {
  try {
    const { gateway } = context
    const { id } = await solve(out, context)
    const outcome = readOutcome(await gateway.readFile(id, STATUS_PATH))
    // A failure is tried again in each build, but a builder keeps whatever came out of a step.
    const isOld =
      outcome.kind === 'failed' &&
      !step.ignoreCache &&
      (await gateway.modified(id, STATUS_PATH)) < context.started
    if (!isOld) return outcome
    const again = { ...step, ignoreCache: true }
    return await runStep(traced(again), again, context)
  } catch (error) {
    if (!(error instanceof BuilderError) || !isAboutStep(error, step)) throw error
    return { kind: 'failed', error: stepError(error) }
  }
}

/** Below a failed step lies the image's own build; its errors belong to whoever wrote the Dockerfile. */
function isAboutStep(error: BuilderError, step: TraceStep): boolean {
  return error.message.includes(`${PLACE}/`) || error.message.includes(step.tool.reference)
}

function stepError(cause: BuilderError): PycdsError {
  const isUsage = /exit code: 2$/.test(cause.message)
  return new PycdsError(isUsage ? 'USAGE' : 'ENGINE_FAILED', {
    message: isUsage
      ? 'the trace step: an option is not understood'
      : `the trace step did not run to its end: ${cause.message}`,
    hint: isUsage
      ? 'Its output above names the option; correct the build argument PYCDS_* of that name.'
      : 'Its output is above.',
    cause,
  })
}

async function solve(state: State, { gateway, cacheImports }: BakeContext): Promise<Ref> {
  const { result } = await gateway.solve({ definition: toDefinition(state), cacheImports })
  if (result.case === 'ref') return result.value
  throw new PycdsError('ENGINE_FAILED', {
    message: 'the builder answered a graph with several results',
    hint: 'This is a bug: please report it with the version of the builder.',
  })
}

/** The configuration with what belongs to the layer. */
function withLayer(
  config: BuildConfig,
  outcome: Exclude<Outcome, { kind: 'failed' }>,
  version: string,
): BuildConfig {
  const change = { unsetEnv: ARTIFACT_VARIABLES, unsetLabels: Object.values(LABELS) }
  const common = { [LABELS.version]: version, [LABELS.python]: outcome.python }
  const [comment, settings] =
    outcome.kind === 'baked'
      ? [COMMENTS.bake, { env: artifactEnvironment(FOLDER), labels: common }]
      : [
          COMMENTS.prepare,
          {
            env: learnEnvironment(outcome.directory),
            labels: { ...common, [LABELS.learn]: outcome.directory },
          },
        ]
  const entry = { created_by: `pycds-image ${version} frontend`, comment }
  return {
    ...config,
    config: addSettings(removeSettings(config.config ?? {}, change), settings),
    history: [...(config.history ?? []), entry],
  }
}
