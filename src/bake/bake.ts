// SPDX-License-Identifier: Apache-2.0
// The bake: resolve, train, archive, append, measure, tag. The new image has no name until
// everything else has succeeded, so a failure leaves nothing that anybody could run.
import { gzipSync } from 'node:zlib'
import { PycdsError } from '../errors/index.js'
import {
  appendLayer,
  defaultOutputReference,
  formatReference,
  type ImageConfig,
  parseReference,
} from '../image/index.js'
import type { Progress } from '../log/index.js'
import {
  DEFAULT_READY,
  formatReady,
  type ReadySpec,
  type Training,
  type TrainingSpec,
  train,
} from '../train/index.js'
import type { ElfIdentity, Validate } from './archiver.js'
import { withContainer } from './container.js'
import { choosePython, groupByPython, type PythonGroup } from './interpreter.js'
import { ARCHIVE_ENV, LABELS, labelsOf, withoutBake } from './labels.js'
import { ARCHIVE_PATH, makeLayer } from './layer.js'
import { measure } from './measure.js'
import { type ModuleSelection, selectModules } from './modules.js'
import type { Archiver, Container, Engine, ImageStore, NewLayer, SourceImage } from './ports.js'
import type { BakeResult } from './result.js'
import { TOOL_VERSION } from './version.js'

export interface BakeRequest {
  reference: string
  /** Name of the new image; default: the old one with `-cds` behind its tag. */
  tag?: string
  /** Replaces the image's entrypoint for the training run only. */
  command?: string[]
  /** Empty: the process ends or falls quiet. */
  ready: ReadySpec[]
  timeoutMs: number
  stopGraceSeconds: number
  validate: Validate
  onTrainFailure: 'fail' | 'keep'
  /** Timed starts of each image; 0 for none. */
  measureRuns: number
  dryRun: boolean
}

export interface BakePorts {
  store: ImageStore
  engine: Engine
  archiver: Archiver
  progress: Progress
  signal: AbortSignal
}

/** Bakes an image into a new one. Every failure is a PycdsError and leaves the engine as it was. */
export async function bake(request: BakeRequest, ports: BakePorts): Promise<BakeResult> {
  const output = outputReference(request)
  const source = await resolve(request, ports)
  const architecture = nodeArchitecture(source)
  const injected = ports.archiver.injected(architecture)
  const spec: TrainingSpec = {
    image: source.id,
    ...(request.command ? { command: request.command } : {}),
    preload: environment(source.config).LD_PRELOAD,
    tracer: injected.tracer,
  }
  const training = await runTraining(request, spec, ports)
  const python = choosePython(request.reference, training, ports.archiver.supportedVersions())
  const warnings = warningsFor(request, training, python)
  for (const warning of warnings) ports.progress.warn(warning)

  const selection = selectModules(python, training.changed)
  const made = await withContainer(ports.engine, source.id, (image) =>
    archive({ request, source, python, selection, runtime: injected.runtime, image }, ports),
  )
  const written = request.dryRun ? null : await append(source, made, spec, output, request, ports)
  return {
    schema: 'io.pycds.bake/1',
    source: { reference: request.reference, id: source.id },
    output: written && { reference: output, id: written.id },
    python: {
      version: python.python.version,
      executable: python.python.executable,
      library: python.python.library === python.python.executable ? null : python.python.library,
      buildId: made.identity.hex,
      abi: python.python.cacheTag,
    },
    training: describeTraining(request, source, training),
    archive: { path: ARCHIVE_PATH, bytes: made.archiveBytes, modules: made.modules, leftOut: made.leftOut },
    layer: {
      diffId: made.layer.diffId,
      bytes: made.layer.tar.length,
      compressedBytes: gzipSync(made.layer.tar).length,
    },
    start: written?.start ?? null,
    warnings,
  }
}

function outputReference(request: BakeRequest): string {
  const source = parseReference(request.reference)
  const output = request.tag === undefined ? defaultOutputReference(source) : parseReference(request.tag)
  const text = formatReference(output)
  if (text === formatReference(source)) {
    throw new PycdsError('USAGE', {
      message: `output ${text}: it is the source image, which is never changed`,
      hint: 'Give another name with --tag.',
    })
  }
  return text
}

async function resolve(request: BakeRequest, ports: BakePorts): Promise<SourceImage> {
  const step = ports.progress.step('resolve', `Resolve ${request.reference}`)
  try {
    const source = await ports.store.resolve(request.reference)
    step.done(`${source.id.slice(7, 19)}, ${source.os}/${source.architecture}, ${source.layers} layers`)
    return source
  } catch (error) {
    step.fail('failed')
    throw error
  }
}

function nodeArchitecture(source: SourceImage): string {
  const name = source.os === 'linux' && source.architecture === 'amd64' ? 'x64' : undefined
  if (name) return name
  throw new PycdsError('PYTHON_UNSUPPORTED', {
    message: `image ${source.reference}: it is for ${source.os}/${source.architecture}`,
    hint: 'Only linux/amd64 images can be baked.',
  })
}

function environment(config: ImageConfig): Record<string, string> {
  const pairs = (config.config?.Env ?? []).map((entry): [string, string] => {
    const at = entry.indexOf('=')
    return at < 0 ? [entry, ''] : [entry.slice(0, at), entry.slice(at + 1)]
  })
  return Object.fromEntries(pairs)
}

async function runTraining(request: BakeRequest, spec: TrainingSpec, ports: BakePorts): Promise<Training> {
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

function trainingFailed(request: BakeRequest, training: Training, tail: readonly string[]): PycdsError {
  const last = tail.join('').trimEnd().split('\n').at(-1)
  return new PycdsError('TRAINING_FAILED', {
    message:
      `image ${request.reference}: the training run ended with exit code ${training.exitCode} ` +
      `after ${training.activity} imports${last ? `: ${last}` : ''}`,
    hint: 'Give a command that works without a network after `--`, or keep what was seen with --on-train-failure keep.',
  })
}

function warningsFor(request: BakeRequest, training: Training, chosen: PythonGroup): string[] {
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

interface ArchiveInput {
  request: BakeRequest
  source: SourceImage
  python: PythonGroup
  selection: ModuleSelection
  runtime: Buffer
  /** A container of the source image that was never started. */
  image: Container
}

interface Made {
  identity: ElfIdentity
  layer: NewLayer
  archiveBytes: number
  modules: number
  leftOut: { name: string; reason: string }[]
  pythonVersion: string
}

async function archive(input: ArchiveInput, ports: BakePorts): Promise<Made> {
  const step = ports.progress.step('archive', 'Write the archive')
  try {
    const { python } = input.python
    const identity = await identify(input, ports.archiver)
    const info = { tool: TOOL_VERSION, python: python.version, leftOut: input.selection.leftOut }
    const target = { ...python, identity, validate: input.request.validate }
    const written = ports.archiver.write(target, input.selection.modules, info)
    const leftOut = [...input.selection.leftOut, ...written.leftOut]
    const origin = labelsOf(input.source.config)[LABELS.source] ?? input.source.id
    const layer = await makeLayer(input.image, {
      archive: written.bytes,
      runtime: input.runtime,
      siteDirectories: siteDirectories(input),
      mtime: new Date(input.source.config.created ?? 0),
      manifest: {
        schema: 'io.pycds.manifest/1',
        tool: `pycds-image ${TOOL_VERSION}`,
        source: origin,
        python: {
          version: python.version,
          executable: python.executable,
          library: python.library,
          ...identity,
        },
        validate: input.request.validate,
        modules: written.modules,
        leftOut,
      },
    })
    step.done(`${written.modules} modules, ${leftOut.length} left out`)
    return {
      ...{ identity, layer, leftOut, modules: written.modules },
      archiveBytes: written.bytes.length,
      pythonVersion: python.version,
    }
  } catch (error) {
    step.fail('failed')
    throw error
  }
}

async function identify(
  { image, python: { python }, request }: ArchiveInput,
  archiver: Archiver,
): Promise<ElfIdentity> {
  const file = await image.readFile(python.library)
  const identity = file && archiver.identify(file)
  if (!identity || identity.hex !== python.identity) {
    throw new PycdsError('PYTHON_UNSUPPORTED', {
      message: `image ${request.reference}: ${python.library}: the training run used another file than the image holds`,
      hint: 'Put the interpreter into the image instead of installing it at start.',
    })
  }
  return identity
}

/** The first site directory of each environment: one hook per interpreter start is enough. */
function siteDirectories({ python, request }: ArchiveInput): string[] {
  const directories = new Set(python.processes.flatMap((process) => process.siteDirectories?.[0] ?? []))
  if (directories.size > 0) return [...directories].sort()
  throw new PycdsError('PYTHON_UNSUPPORTED', {
    message: `image ${request.reference}: ${python.python.executable}: it has no site directory for the hook`,
    hint: 'Create its site-packages directory in the image.',
  })
}

async function append(
  source: SourceImage,
  made: Made,
  spec: TrainingSpec,
  output: string,
  request: BakeRequest,
  ports: BakePorts,
): Promise<{ id: string; start: BakeResult['start'] }> {
  const step = ports.progress.step('append', 'Add the layer')
  let id: string
  try {
    const config = withoutBake(await ports.store.readConfig(source))
    const changed = appendLayer(
      config,
      {
        diffId: made.layer.diffId,
        createdBy: `pycds-image ${TOOL_VERSION} bake`,
        comment: 'code data sharing archive',
        created: config.created ?? new Date(0).toISOString(),
      },
      {
        env: ARCHIVE_ENV,
        labels: {
          [LABELS.layer]: made.layer.diffId,
          [LABELS.source]: labelsOf(source.config)[LABELS.source] ?? source.id,
          [LABELS.version]: TOOL_VERSION,
          [LABELS.python]: made.pythonVersion,
        },
      },
    )
    id = await ports.store.append(source, changed, made.layer)
    step.done(id.slice(7, 19))
  } catch (error) {
    step.fail('failed')
    throw error
  }
  try {
    const watch = { timeoutMs: request.timeoutMs, signal: ports.signal }
    const start =
      request.measureRuns > 0
        ? await measure(
            ports.engine,
            { before: spec, after: { ...spec, image: id }, runs: request.measureRuns, watch },
            ports.progress,
          )
        : null
    ports.signal.throwIfAborted()
    await ports.store.tag(id, output)
    return { id, start }
  } catch (error) {
    await ports.store.remove(id).catch(() => undefined) // the first error is the one to report
    throw error
  }
}

function describeTraining(
  request: BakeRequest,
  source: SourceImage,
  training: Training,
): BakeResult['training'] {
  const { Entrypoint, Cmd } = source.config.config ?? {}
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
