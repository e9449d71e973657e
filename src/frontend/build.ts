// SPDX-License-Identifier: Apache-2.0
// A build from beginning to end: the Dockerfile frontend makes a result, and each image in it gets its layer.
import { type BakeContext, bakeImage, type PlannedImage, stepFor } from './bake-image.js'
import { type ClientFiles, readClientFiles } from './client-files.js'
import { readConfigFile } from './config-file.js'
import type { Delegation } from './delegate.js'
import { cacheImports, delegation, ignoresCache } from './delegate.js'
import { readDockerfileArgs } from './dockerfile-args.js'
import type { Capabilities, Gateway, Options, Request } from './gateway/index.js'
import type { Result } from './gen/gateway_pb.js'
import { imagesOf, replaceImages } from './images.js'
import { OPTION_NAMES, readStepOptions, type StepOptions } from './options.js'
import { debugTarget } from './targets/index.js'
import { findToolImage } from './tool-image.js'

export interface BuildPorts {
  readonly gateway: Gateway
  readonly capabilities: Capabilities
  /** Milliseconds since 1970. */
  readonly now: () => number
  readonly version: string
}

/** Answers a request of BuildKit with a result. */
export async function build(request: Request, ports: BuildPorts): Promise<Result> {
  const { options } = request
  const started = ports.now()
  const debug = debugTarget(options.get('target') ?? '')
  const target = debug?.target ?? options.get('target') ?? ''
  const inputs = await ports.gateway.inputs()
  const ask: Delegation = delegation(options, target)
  const inner = ports.gateway.solve({ ...ask, frontendInputs: inputs })
  // `docker build --call=check` and its like ask questions about the Dockerfile, and build nothing.
  if (options.has('requestid')) return inner
  // Beside the rest, since it may take the builder a call to a registry; not every build needs the answer.
  const tool = findToolImage(request, ports.gateway)
  tool.catch(() => undefined)
  const [result, files] = await Promise.all([inner, readClientFiles(request, inputs, ports.gateway)])
  const stepOptions = await optionsOf(options, files, target)
  if (!stepOptions.enabled) return result
  const plan = await planBuild(result, request, stepOptions, tool)
  if (debug) return debug.answer({ plan, delegation: ask, options: stepOptions }, ports)
  const context: BakeContext = { ...ports, started, cacheImports: cacheImports(options) }
  const images = await Promise.all(
    plan.map(({ image, step }) => (step ? bakeImage(image, step, context) : image)),
  )
  return replaceImages(result, images)
}

async function planBuild(
  result: Result,
  request: Request,
  options: StepOptions,
  tool: Promise<string>,
): Promise<PlannedImage[]> {
  const images = imagesOf(result)
  if (images.length === 0) return []
  const settings = {
    options,
    tool: {
      reference: await tool,
      resolveMode: request.options.get('image-resolve-mode') ?? '',
    },
    sourceDateEpoch: request.options.get('build-arg:SOURCE_DATE_EPOCH'),
    ignoreCache: ignoresCache(request.options),
  }
  return images.map((image) => ({ image, step: stepFor(image, settings) }))
}

/** Build arguments win over what the Dockerfile declares, and that over the configuration file. */
async function optionsOf(options: Options, files: ClientFiles, target: string): Promise<StepOptions> {
  const given = [...options].flatMap(([name, value]): [string, string][] =>
    name.startsWith('build-arg:PYCDS_') ? [[name.slice('build-arg:'.length), value]] : [],
  )
  const declared = [...readDockerfileArgs(files.dockerfile, target)].filter(
    // A Dockerfile may have arguments of this name for its own use.
    ([name]) => OPTION_NAMES.includes(name),
  )
  const written = files.config === undefined ? [] : await readConfigFile(files.config.toString())
  return readStepOptions(new Map([...written, ...declared, ...given]))
}
