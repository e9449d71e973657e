// SPDX-License-Identifier: Apache-2.0
// The bake from a RUN instruction: the image is the root file system that this process runs in.
// Train, make the artifacts, take back what the training run wrote, put the files in.
import { gzipSync } from 'node:zlib'
import type { Pyc } from '../artifact/bytecode/index.js'
import {
  cannotComplete,
  complete,
  type MoreOptions,
  notLaunching,
  withLauncher,
  withoutMore,
} from '../artifact/complete.js'
import { type MadeContent, makeContent, type Summaries } from '../artifact/content.js'
import { PycdsError } from '../errors/index.js'
import { DEFAULT_PATH, type ImageConfig } from '../image/index.js'
import { deadWarning } from '../layer/labels.js'
import { layerFiles } from '../layer/layer.js'
import { type Learned, type LearnRequest, learn } from '../learn/learn.js'
import type { Surroundings } from '../learn/run/index.js'
import { planRuns, type RunPlan, type RunSubject } from '../learn/source.js'
import { describeTraining, type TrainingSummary } from '../learn/training.js'
import { during } from '../log/index.js'
import { FOLDER, START_NAME } from '../marks/places.js'
import type {
  Container,
  ImageRoot,
  LayerFile,
  ModuleCode,
  RunPorts,
  Undone,
  Validate,
} from '../ports/index.js'
import { withContainer } from '../ports/with-container.js'
import { present } from '../util/present.js'
import { WITHOUT_BYTECODE } from '../util/without-bytecode.js'
import { assertImage, besideOf, folderFor, SUBJECT, sizesOf } from './in-root.js'
import { type BakeResult, describePython } from './result.js'
import { type Timed, timeOf } from './time.js'

const LISTED_CHANGES = 3

export interface StepRequest extends Omit<LearnRequest, 'reference'>, MoreOptions, Timed {
  /** Bake this root whatever it looks like. */
  here: boolean
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
}

export interface StepPorts extends RunPorts {
  root: ImageRoot
}

export interface StepResult extends Summaries {
  schema: 'io.pycds.step/1'
  output: string
  python: BakeResult['python']
  training: TrainingSummary
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
  assertImage(
    request,
    root,
    'bake a finished image with pycds-image bake. --here bakes this root all the same.',
  )
  await during(progress, ['look', 'Look at the files of the root'], async (shown) => {
    await root.remember(ports.signal)
    shown.done()
  })
  const named = { ...request, reference: SUBJECT, inBuild: true }
  let made: Awaited<ReturnType<typeof trainAndMake>>
  let undone: Undone
  try {
    made = await trainAndMake(named, ports)
    ports.signal.throwIfAborted()
  } finally {
    undone = await during(progress, ['undo', 'Take back what the run has made'], async (shown) => {
      await ports.engine.removeAll()
      const taken = await root.undo()
      shown.done(`${taken.removed.length} paths`)
      return taken
    })
  }
  // From here on the root is what it was before, and only what was made is put in.
  const { plan, learned, content } = made
  const { output } = request
  const besides = content.siteDirectories.map(besideOf)
  const folder = folderFor(content.siteDirectories, request, root)
  const earlier = [FOLDER, ...besides].flatMap((place) =>
    filesIn(place, content).flatMap((path) => (root.has(path) ? [{ place, path }] : [])),
  )
  // A runtime looks beside itself first: what an earlier bake has put there must not be found.
  const covered = besides.filter((place) => place !== folder && earlier.some((one) => one.place === place))
  assertFound([folder, ...covered], content, root.environment)
  const warnings = [
    ...learned.warnings,
    ...keptWarnings(undone),
    ...earlier.map(({ path }) => deadWarning(path)),
  ]
  for (const warning of warnings) progress.warn(warning)
  const files = [
    ...layerFiles(content, 'by-itself', folder),
    ...covered.flatMap((place) =>
      layerFiles(content, 'by-itself', place).filter(({ path }) => path.startsWith(`${place}/`)),
    ),
  ]
  const mtime = timeOf(request, newestOf(learned.selection.modules))
  await during(progress, ['write', `Write ${files.length} files`], async (shown) => {
    root.write(files, { mtime, ...present({ output }) })
    shown.done()
  })
  return {
    schema: 'io.pycds.step/1',
    output: output ?? '/',
    python: describePython(learned, content),
    training: describeTraining(named, request.config, plan.ready, learned.training),
    ...content.summaries(folder),
    files: sizesOf(files),
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

type Files = Pick<Container, 'stat' | 'lstat' | 'readFile'>
type NamedRequest = StepRequest & LearnRequest

/** Learns and writes the artifacts; nothing is put into the root yet. */
async function trainAndMake(request: NamedRequest, ports: StepPorts) {
  const { engine, root, archiver } = ports
  const place = root.makePlace()
  const plan = planRuns(request, rootSubject(request, place, ports), archiver.injected(process.arch))
  return await withContainer(engine, SUBJECT, async (files) => {
    const image = asRemembered(files, root)
    const learned = await learn(request, { ...plan, image }, ports)
    const { python, selection } = learned
    const { reference, validate, pyc, limits } = request
    const skip = pyc === 'off' ? [] : await newSources(root)
    const run = { image: SUBJECT, folder: `${place}/bytecode`, timeoutMs: limits.timeoutMs, skip }
    const made = { python, selection, image, origin: null, runtime: plan.runtime }
    const content = await makeContent({ ...made, reference, validate, pyc, run }, ports)
    return { plan, learned, content: await addMore(request, { plan, learned, content }, ports) }
  })
}

async function newSources(root: ImageRoot): Promise<string[]> {
  const changes = await root.changes()
  return changes.flatMap(({ path, kind }) => (kind === 'added' && path.endsWith('.py') ? [path] : []))
}

/** The files as they were before the training run, which all this root shows; what was changed is as it is now. */
function asRemembered(files: Files, root: ImageRoot): Files {
  const unless = <T>(path: string, look: (path: string) => Promise<T | undefined>) =>
    root.isNew(path) ? Promise.resolve(undefined) : look(path)
  return {
    stat: (path) => unless(path, (old) => files.stat(old)),
    lstat: (path) => unless(path, (old) => files.lstat(old)),
    readFile: (path) => unless(path, (old) => files.readFile(old)),
  }
}

/** @returns why the root does not take the files, where that is so */
function putInto(root: ImageRoot, files: readonly LayerFile[], mtime: Date): string | undefined {
  try {
    root.write(files, { mtime })
    return undefined
  } catch (error) {
    if (!(error instanceof PycdsError)) throw error
    return `nothing can be frozen in this root: ${error.message}`
  }
}

interface MoreInput {
  plan: RunPlan
  learned: Learned
  content: MadeContent
}

/**
 * Adds what can only be made where everything else is in its place already: it is put into the root for that, and taken
 * out again with what the training run has made.
 */
async function addMore(request: NamedRequest, input: MoreInput, ports: StepPorts): Promise<MadeContent> {
  const { learned, plan } = input
  const { root, engine, progress, signal } = ports
  if (request.snapshot === undefined) return input.content
  // The Dockerfile's entrypoint begins with it, whatever becomes of the snapshot.
  const content = withLauncher(input.content, request, process.arch, ports)
  const cannot = cannotComplete(process.arch, ports)
  if (cannot !== undefined) return withoutMore(content, request, cannot)
  const mtime = timeOf(request, newestOf(learned.selection.modules))
  const folder = folderFor(content.siteDirectories, request, root)
  const present = layerFiles(content, 'by-itself', folder)
  const unwritable = putInto(root, present, mtime)
  if (unwritable !== undefined) return withoutMore(content, request, unwritable)
  const { python, selection, training } = learned
  const completion = await complete(
    content,
    {
      python,
      selection,
      image: SUBJECT,
      timeoutMs: request.limits.timeoutMs,
      spec: plan.spec,
      given: WITHOUT_BYTECODE,
      architecture: process.arch,
      place: folder,
      mtime,
      // Libraries are loaded from there, which a memory file system may not allow: /dev/shm of a container does not.
      folder: `${folder}/freeze`,
      snapshot: request.snapshot,
    },
    ports,
  )
  if (!('prove' in completion)) return completion
  const files = layerFiles(completion.content, 'by-itself', folder)
  const full = putInto(root, files, mtime)
  if (full !== undefined) return completion.without(full)
  const compressed = (all: typeof files) => gzipSync(Buffer.concat(all.map(({ body }) => body))).length
  const added = compressed(files) - compressed(present)
  const options = { ...request, ready: plan.ready, signal }
  const spec = learned.start ?? plan.spec
  const trial = { engine, spec, original: spec, options, progress }
  const proved = await completion.prove(trial, training, added)
  if (typeof proved === 'string') return completion.without(proved)
  if (request.snapshot.launch === 'hook') return proved
  const words = `ENTRYPOINT ["${folder}/${START_NAME}", ...]`
  return notLaunching(
    proved,
    `a build step cannot tell what the entrypoint will be: at once with ${words} in the Dockerfile`,
  )
}

/** This root as what commands are run in. */
function rootSubject(
  { command, python, config }: NamedRequest,
  place: string,
  { archiver, root }: StepPorts,
): RunSubject {
  const { tracerPath, probePath } = archiver.injected(process.arch)
  const { LD_PRELOAD, PATH } = root.environment
  return {
    image: SUBJECT,
    config,
    preload: LD_PRELOAD,
    python: {
      command: command ?? [],
      path: PATH ?? DEFAULT_PATH,
      directory: root.directory,
      ...present({ python }),
    },
    // A directory that each run makes and that goes away with it.
    place: { directory: `${place}/run`, tracer: tracerPath, probe: probePath },
  }
}

/** The newest of what went in: an image whose sources have the same times gets the same layer. */
function newestOf(modules: readonly ModuleCode[]): Date {
  return new Date(modules.reduce((latest, { mtime }) => Math.max(latest, mtime), 0) * 1000)
}

/** The paths of what has no place of its own, if a folder held it. */
function filesIn(folder: string, { artifacts }: MadeContent): string[] {
  const paths = artifacts.flatMap((artifact) => artifact.files(folder).map(({ path }) => path))
  return paths.filter((path) => path.startsWith(`${folder}/`))
}

/** A build step cannot change a variable of the image. */
function assertFound(
  folders: readonly [string, ...string[]],
  { artifacts }: MadeContent,
  environment: Readonly<Record<string, string>>,
): void {
  const [folder] = folders
  for (const artifact of artifacts) {
    for (const [name, wanted] of Object.entries(artifact.environment(folder))) {
      const value = environment[name]
      if (!value || folders.some((place) => artifact.environment(place)[name] === value)) continue
      throw new PycdsError('USAGE', {
        message: `step: ${name} in the environment is ${value}: an ${artifact.kind} in ${folder} would never be found`,
        hint: `Put the instruction before USER, or write ENV ${name}=${wanted} before it.`,
      })
    }
  }
}

function keptWarnings({ kept }: Undone): string[] {
  if (kept.length === 0) return []
  const names = kept.slice(0, LISTED_CHANGES).map(({ path, kind }) => `${path} (${kind})`)
  const more = kept.length > LISTED_CHANGES ? ` and ${kept.length - LISTED_CHANGES} more` : ''
  return [`the training run changed files, and they stay so: ${names.join(', ')}${more}`]
}
