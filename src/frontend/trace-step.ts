// SPDX-License-Identifier: Apache-2.0
// The trace step as a graph: `pycds-image step` runs on top of the built image, without a network. What it writes lies on a
// file system of its own, and only that is laid over the image: the traces of running it are never seen again.

import { commandOf, DEFAULT_PATH } from '../image/index.js'
import { ARTIFACT_VARIABLES } from '../marks/marks.js'
import type { BuildConfig } from './images.js'
import { copyOver, files, image, type OpNote, type Platform, run, type State } from './llb/index.js'
import type { StepOptions } from './options.js'

/** Where things are while the step runs. Errors of the builder about the step have this in their text. */
export const PLACE = '/.pycds'
const TOOL = `${PLACE}/tool`
const OUT = `${PLACE}/out`
const IN = `${PLACE}/in`
/** The part of the image's configuration that says when its command is up. */
const IMAGE_FILE = 'image.json'
/** The directory of the frontend's image that holds the tool. */
export const TOOL_DIRECTORY = '/tool'
const ROOT_NAME = 'root'
const STATUS_NAME = 'status.json'

export const STATUS_PATH = `/${STATUS_NAME}`

export interface TraceStep {
  readonly image: State
  readonly config: BuildConfig
  readonly platform: Platform
  readonly options: StepOptions
  readonly tool: { readonly reference: string; readonly resolveMode: string }
  /** Of files without a time of their own, in seconds since 1970. */
  readonly sourceDateEpoch: string | undefined
  readonly ignoreCache: boolean
}

/** What the step writes: its outcome in {@link STATUS_PATH}, and a tree that is laid out like the image. */
export function traced(step: TraceStep): State {
  const { reference, resolveMode } = step.tool
  const tool = image(reference, resolveMode, step.platform, { name: `[pycds-image] ${reference}` })
  const [, out] = run(
    {
      args: stepCommand(step),
      env: stepEnvironment(step),
      cwd: step.config.config?.WorkingDir || '/',
      platform: step.platform,
      mounts: [
        { at: '/', from: step.image, kind: 'output' },
        { at: TOOL, from: tool, kind: 'input', directory: TOOL_DIRECTORY },
        { at: OUT, kind: 'output' },
        { at: '/tmp', kind: 'memory' },
        { at: IN, from: inputs(step), kind: 'input' },
      ],
    },
    note(step, 'trace imports and write the archive'),
  )
  if (out === undefined) throw new Error('the step has two outputs')
  return out
}

/** The image with the files of the step as its last layer. */
export function baked(step: TraceStep, out: State): State {
  return copyOver(step.image, out, `/${ROOT_NAME}`, step.platform, note(step, 'add the layer'))
}

/** The command line of the step. */
export function stepCommand({ config, options }: Pick<TraceStep, 'config' | 'options'>): string[] {
  const command = options.command ?? commandOf(config)
  const user = config.config?.User
  return [
    `${TOOL}/pycds-image`,
    'step',
    `--output=${OUT}/${ROOT_NAME}`,
    `--metadata-file=${OUT}/${STATUS_NAME}`,
    '--on-failure=skip',
    `--image-config=${IN}/${IMAGE_FILE}`,
    ...(user ? [`--user=${user}`] : []),
    ...options.flags,
    ...(options.train === 'entrypoint' ? ['--', ...command] : []),
  ]
}

/** Nothing that does not matter to the step: a label that changes must not have it run again. */
function inputs(step: TraceStep): State {
  const { architecture, os, config } = step.config
  const { Healthcheck, ExposedPorts, Shell } = config ?? {}
  const image = {
    architecture,
    os,
    rootfs: { type: 'layers', diff_ids: [] },
    config: { Healthcheck, ExposedPorts, Shell },
  }
  const content = { [IMAGE_FILE]: Buffer.from(JSON.stringify(image)) }
  return files(content, step.platform, note(step, 'what is known of the image'))
}

function stepEnvironment({ config, sourceDateEpoch }: TraceStep): string[] {
  // What an earlier bake has left must not serve the training run.
  const isEarlier = (item: string) => ARTIFACT_VARIABLES.some((name) => item.startsWith(`${name}=`))
  const own = (config.config?.Env ?? []).filter((item) => !isEarlier(item))
  return [
    ...own,
    ...(own.some((item) => item.startsWith('PATH=')) ? [] : [`PATH=${DEFAULT_PATH}`]),
    ...(sourceDateEpoch === undefined ? [] : [`SOURCE_DATE_EPOCH=${sourceDateEpoch}`]),
  ]
}

function note({ ignoreCache, platform }: TraceStep, what: string): OpNote {
  return { name: `[pycds-image ${platform.os}/${platform.architecture}] ${what}`, ignoreCache }
}
