// SPDX-License-Identifier: Apache-2.0
// The bake from a RUN instruction: the image is the root file system that this process runs in.
// Train, archive, take back what the training run wrote, put the files in.
import { PycdsError } from '../errors/index.js'
import type { ImageConfig } from '../image/index.js'
import type { Progress } from '../log/index.js'
import { healthCommand, type Surroundings, type TracedModule } from '../train/index.js'
import type { Validate } from './archiver.js'
import { choosePython } from './interpreter.js'
import { layerFiles } from './layer.js'
import { type MadeContent, makeContent } from './make-archive.js'
import { ARCHIVE_FOLDER, ARCHIVE_NAME } from './marks.js'
import { selectModules } from './modules.js'
import type { Archiver, Engine } from './ports.js'
import type { BakeResult } from './result.js'
import type { ImageRoot, Undone } from './root.js'
import { importCommand } from './step-command.js'
import { describeTraining, planReady, runTraining, type TrainingRequest, warningsFor } from './training.js'

/** How messages name an image that has no name yet. */
const SUBJECT = 'being built'
/** Of an archive that a user keeps who cannot write to /opt: beside the runtime, which looks there first. */
const BESIDE_FOLDER = '_pycds.data'
const LISTED_CHANGES = 3

export interface StepRequest extends Omit<TrainingRequest, 'reference'> {
  /** Import these instead of running a command. */
  imports: string[]
  /** The interpreter for that; default: the first python3 or python of PATH. */
  python?: string
  validate: Validate
  /** Only its variables: network and hosts are those of the build. */
  surroundings: Surroundings
  /** Of the image that this root is of, where it is known: how to tell that its command is up. */
  config?: ImageConfig
  /** Write below this directory instead of into the root. */
  output?: string
  /** Seconds since 1970, from SOURCE_DATE_EPOCH: the time of what is written. */
  sourceDateEpoch?: number
}

export interface StepPorts {
  engine: Engine
  root: ImageRoot
  archiver: Archiver
  progress: Progress
  signal: AbortSignal
}

export interface StepResult {
  schema: 'io.pycds.step/1'
  output: string
  python: BakeResult['python']
  training: BakeResult['training']
  archive: BakeResult['archive']
  /** Everything that was written. */
  files: { path: string; bytes: number }[]
  /** Paths that the training run made and that were removed again. */
  removed: number
  warnings: string[]
}

/** Bakes the root file system in place. On failure it is left as it was, as far as the training run allows. */
export async function step(request: StepRequest, ports: StepPorts): Promise<StepResult> {
  const { root, progress } = ports
  const training = { ...request, reference: SUBJECT, command: commandOf(request, root) }
  root.remember()
  let made: Awaited<ReturnType<typeof trainAndMake>>
  let undone: Undone
  try {
    made = await trainAndMake(training, ports)
    ports.signal.throwIfAborted()
  } finally {
    await ports.engine.removeAll()
    undone = root.undo()
  }
  const warnings = [...made.warnings, ...keptWarnings(undone)]
  for (const warning of warnings) progress.warn(warning)
  const { files, archive } = writeAll(request, made, ports)
  return {
    schema: 'io.pycds.step/1',
    output: request.output ?? '/',
    python: made.python,
    training: made.training,
    archive,
    files,
    removed: undone.removed.length,
    warnings,
  }
}

function commandOf(request: StepRequest, root: ImageRoot): string[] {
  if (request.imports.length > 0) {
    const python = request.python ?? root.findProgram(['python3', 'python'])
    if (python !== undefined) return importCommand(python, request.imports)
    throw new PycdsError('NO_PYTHON', {
      message: `image ${SUBJECT}: no python3 and no python was found in PATH`,
      hint: 'Name the interpreter with --python.',
    })
  }
  if (request.command) return request.command
  throw new PycdsError('USAGE', {
    message: 'step: neither a command nor a module to import was given',
    hint:
      'A build step does not know the ENTRYPOINT: write the command behind --, as in `step -- python -m app`, ' +
      'or name what is imported, as in `step --import app`.',
  })
}

async function trainAndMake(request: TrainingRequest & StepRequest, ports: StepPorts) {
  const { archiver, root } = ports
  const architecture = process.arch
  const injected = archiver.injected(architecture)
  const spec = {
    image: SUBJECT,
    ...(request.command ? { command: request.command } : {}),
    preload: root.environment.LD_PRELOAD,
    surroundings: request.surroundings,
    tracer: injected.tracer,
    probe: injected.probe,
    health: request.config && healthCommand(request.config),
    place: { directory: root.makePlace(), tracer: injected.tracerPath, probe: injected.probePath },
  }
  const training = await runTraining(request, spec, planReady(request, request.config), ports)
  const python = choosePython(SUBJECT, training, archiver.supportedVersions())
  const selection = selectModules(python, training.changed)
  const bar = ports.progress.step('archive', 'Write the archive')
  let content: MadeContent
  try {
    const input = { request, python, selection, runtime: injected.runtime, image: root, origin: null }
    content = await makeContent(input, archiver)
    bar.done(`${content.modules} modules, ${content.leftOut.length} left out`)
  } catch (error) {
    bar.fail('failed')
    throw error
  }
  const { version, executable, library, cacheTag } = python.python
  return {
    ...content,
    selected: selection.modules,
    training: describeTraining(request, request.config, training),
    warnings: warningsFor(request, training, python),
    python: {
      ...{ version, executable, buildId: content.identity.hex, abi: cacheTag },
      library: library === executable ? null : library,
    },
  }
}

function writeAll(
  request: StepRequest,
  made: MadeContent & { selected: TracedModule[] },
  { root }: StepPorts,
) {
  const { output } = request
  const [site = '/'] = made.content.siteDirectories
  const folder = root.archiveFolder(ARCHIVE_FOLDER, `${site}/${BESIDE_FOLDER}`, output)
  const files = layerFiles(made.content, 'by-itself', folder)
  root.write(files, { mtime: timeOf(request, made.selected), ...(output === undefined ? {} : { output }) })
  return {
    files: files.map(({ path, body }) => ({ path, bytes: body.length })),
    archive: {
      path: `${folder}/${ARCHIVE_NAME}`,
      bytes: made.content.archive.length,
      ...{ modules: made.modules, regexes: made.regexes, sources: made.sources },
      leftOut: made.leftOut,
    },
  }
}

/** The newest of what went in: an image whose sources have the same times gets the same layer. */
function timeOf({ sourceDateEpoch }: StepRequest, modules: readonly TracedModule[]): Date {
  const newest = modules.reduce((latest, { mtime }) => Math.max(latest, mtime), 0)
  return new Date((sourceDateEpoch ?? newest) * 1000)
}

function keptWarnings({ kept }: Undone): string[] {
  if (kept.length === 0) return []
  const names = kept.slice(0, LISTED_CHANGES).map(({ path, kind }) => `${path} (${kind})`)
  const more = kept.length > LISTED_CHANGES ? ` and ${kept.length - LISTED_CHANGES} more` : ''
  return [`the training run changed files, and they stay so: ${names.join(', ')}${more}`]
}
