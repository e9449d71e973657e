// SPDX-License-Identifier: Apache-2.0
// The bake from a RUN instruction: the image is the root file system that this process runs in.
// Train, archive, take back what the training run wrote, put the files in.
import { PycdsError } from '../errors/index.js'
import type { ImageConfig } from '../image/index.js'
import type { Progress } from '../log/index.js'
import { healthCommand, type Surroundings, type TracedModule } from '../train/index.js'
import type { Validate } from './archiver.js'
import { addBytecode, type Bytecode, describeBytecode, type Pyc } from './bytecode/index.js'
import { withContainer } from './container.js'
import { DEFAULT_PATH } from './find-python.js'
import { layerFiles } from './layer.js'
import { type Learned, type LearnInput, type LearnRequest, learn } from './learn.js'
import { type MadeContent, makeContent } from './make-archive.js'
import { ARCHIVE_FOLDER, ARCHIVE_NAME } from './marks.js'
import type { Archiver, Container, Engine } from './ports.js'
import type { BakeResult } from './result.js'
import type { ImageRoot, Undone } from './root.js'
import { describeTraining, planReady } from './training.js'

/** How messages name an image that has no name yet. */
const SUBJECT = 'being built'
/** Of an archive that a user keeps who cannot write to /opt: beside the runtime, which looks there first. */
const BESIDE_FOLDER = '_pycds.data'
const LISTED_CHANGES = 3

export interface StepRequest extends Omit<LearnRequest, 'reference'> {
  /** The interpreter that imports or reads modules; default: that of the command, or python3 of PATH. */
  python?: string
  validate: Validate
  /** For which packages missing bytecode files are added. */
  pyc: Pyc
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
  bytecode: BakeResult['bytecode']
  /** Everything that was written. */
  files: { path: string; bytes: number }[]
  /** Paths that the training run made and that were removed again. */
  removed: number
  warnings: string[]
}

/** Bakes the root file system in place. On failure it is left as it was, as far as the training run allows. */
export async function step(request: StepRequest, ports: StepPorts): Promise<StepResult> {
  const { root, progress } = ports
  assertSource(request)
  root.remember()
  let made: Awaited<ReturnType<typeof trainAndMake>>
  let undone: Undone
  try {
    made = await trainAndMake({ ...request, reference: SUBJECT }, ports)
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
    bytecode: made.bytecode,
    files,
    removed: undone.removed.length,
    warnings,
  }
}

function assertSource({ mode, command }: StepRequest): void {
  if (mode !== 'entrypoint' || command) return
  throw new PycdsError('USAGE', {
    message: 'step: neither a command nor a module to import was given',
    hint:
      'A build step does not know the ENTRYPOINT: write the command behind --, as in `step -- python -m app`, ' +
      'or name what is imported, as in `step --import app`.',
  })
}

type NamedRequest = StepRequest & LearnRequest

async function trainAndMake(request: NamedRequest, ports: StepPorts) {
  const { engine, root } = ports
  const place = root.makePlace()
  const plan = planRuns(request, place, ports)
  return await withContainer(engine, SUBJECT, async (image) => {
    const learned = await learn(request, { ...plan, image }, ports)
    const { python, selection, training, warnings } = learned
    const folder = `${place}/bytecode`
    const bytecode = await addBytecode({ image: SUBJECT, folder, python, selection, request }, ports)
    const content = await archive(request, learned, bytecode, image, ports)
    const { version, executable, library, cacheTag } = python.python
    return {
      ...content,
      selected: selection.modules,
      bytecode: describeBytecode(request.pyc, bytecode),
      training: describeTraining(request, request.config, training),
      warnings,
      python: {
        ...{ version, executable, buildId: content.identity.hex, abi: cacheTag },
        library: library === executable ? null : library,
      },
    }
  })
}

/** How commands are run in this root. */
function planRuns(
  request: NamedRequest,
  place: string,
  { archiver, root }: StepPorts,
): Omit<LearnInput, 'image'> {
  const injected = archiver.injected(process.arch)
  const { LD_PRELOAD, PATH } = root.environment
  return {
    spec: {
      image: SUBJECT,
      ...(request.command ? { command: request.command } : {}),
      preload: LD_PRELOAD,
      surroundings: request.surroundings,
      tracer: injected.tracer,
      probe: injected.probe,
      health: request.config && healthCommand(request.config),
      // A directory that each run makes and that goes away with it.
      place: { directory: `${place}/run`, tracer: injected.tracerPath, probe: injected.probePath },
    },
    ready: planReady(request, request.config),
    scripts: injected.scripts,
    surroundings: {
      command: request.command ?? [],
      path: PATH ?? DEFAULT_PATH,
      directory: root.directory,
      ...(request.python === undefined ? {} : { python: request.python }),
    },
  }
}

async function archive(
  request: NamedRequest,
  { python, selection }: Learned,
  bytecode: Bytecode,
  image: Container,
  { archiver, progress }: StepPorts,
): Promise<MadeContent> {
  const bar = progress.step('archive', 'Write the archive')
  try {
    const { runtime } = archiver.injected(process.arch)
    const input = { request, python, selection, bytecode, runtime, image, origin: null }
    const content = await makeContent(input, archiver)
    bar.done(`${content.modules} modules, ${content.leftOut.length} left out`)
    return content
  } catch (error) {
    bar.fail('failed')
    throw error
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
