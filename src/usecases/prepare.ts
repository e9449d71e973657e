// SPDX-License-Identifier: Apache-2.0
// What lets an application learn its archive by itself: the runtime, its hook, and where to learn. Nothing is run.
import { gzipSync } from 'node:zlib'
import { learningContent } from '../artifact/content.js'
import { PycdsError } from '../errors/index.js'
import {
  creationTime,
  DEFAULT_PATH,
  environmentOf,
  type ImageConfig,
  isLocation,
  nodeArchitecture,
  shortId,
} from '../image/index.js'
import { appendToImage } from '../layer/append.js'
import { earlierIn } from '../layer/earlier.js'
import { isReplaceable, learnsIn, originOf } from '../layer/labels.js'
import { layerFiles, makeLayer } from '../layer/layer.js'
import { type PythonSurroundings, surroundingsOf } from '../learn/find-python.js'
import { findInstalled, type InstalledPython } from '../learn/foreign/installed.js'
import { resolveSource } from '../learn/source.js'
import { during } from '../log/index.js'
import { LEARN_DIRECTORY } from '../marks/marks.js'
import type { ImageRoot, Ports, RunPorts } from '../ports/index.js'
import { withContainer } from '../ports/with-container.js'
import { present } from '../util/present.js'
import { assertImage, besideOf, folderFor, SUBJECT, sizesOf } from './in-root.js'
import { chooseOutput, type OutputRequest } from './output.js'
import { type BakeResult, describeLayer, describeOutput } from './result.js'
import { assertPlace, assertRoom } from './room.js'
import { type Timed, timeOf } from './time.js'

export interface PrepareRequest extends OutputRequest, Timed {}

/** What is common to all that can be prepared. */
interface Prepared {
  python: { version: string; executable: string; library: string; siteDirectory: string; buildId: string }
  /** Where starts learn, unless PYCDS_LEARN says otherwise. */
  directory: string
}

export interface PrepareResult extends Prepared {
  schema: 'io.pycds.prepare/1'
  source: { reference: string; id: string }
  output: NonNullable<BakeResult['output']>
  /** The source was baked, and its archive is not in the new image. */
  replacedBake: boolean
  layer: { diffId: string; bytes: number; compressedBytes: number }
}

export interface PrepareRootResult extends Prepared {
  schema: 'io.pycds.prepare-root/1'
  /** The virtual environment, or the root of the image that is being built. */
  root: string
  /** Everything that was written. */
  files: { path: string; bytes: number }[]
}

/**
 * Makes an image whose containers learn. Every failure is a PycdsError and leaves the engine as it was.
 * @throws NO_PYTHON, PYTHON_UNSUPPORTED
 */
export async function prepare(request: PrepareRequest, ports: Ports): Promise<PrepareResult> {
  const { store, engine, archiver, progress, signal } = ports
  engine.showProgress?.(progress)
  chooseOutput(request)
  const source = await resolveSource(request.reference, ports)
  assertRoom(source)
  const output = chooseOutput(request, source.name)
  await store.assertNameable(output)
  const config = await store.readConfig(source)
  const mtime = timeOf(request, creationTime(config))
  const origin = originOf(config)
  const directory = directoryOf(config)
  const made = await during(progress, ['prepare', 'Make the layer'], (step) =>
    withContainer(engine, source.id, async (image) => {
      await assertPlace(source, image)
      const python = await findInstalled(
        `image ${request.reference}`,
        image,
        surroundingsOf(source.config),
        archiver,
      )
      const { runtime } = archiver.injected(nodeArchitecture(source))
      const content = learningContent({ ...served(python), runtime, origin, directory })
      const { hides } = await earlierIn(source.config, image)
      const layer = await makeLayer(image, content, { mtime, hook: 'variable', hides })
      step.done(python.siteDirectory)
      return { python, content, layer, hides }
    }),
  )
  const { python, content, layer, hides } = made
  signal.throwIfAborted()
  const pythonVersion = python.version
  const input = {
    source,
    config,
    layer,
    hides,
    artifacts: content.artifacts,
    pythonVersion,
    verb: 'prepare' as const,
  }
  const id = await appendToImage(store, input, request.sourceDateEpoch)
  try {
    signal.throwIfAborted()
    const digests = await during(progress, ['write', `Write ${output}`], async (step) => {
      const found = await store.tag(id, output)
      step.done(isLocation(output) ? undefined : shortId(id))
      return found
    })
    return {
      schema: 'io.pycds.prepare/1',
      source: { reference: request.reference, id: source.id },
      output: describeOutput({ reference: output, id, digests }),
      ...describe(python, directory),
      replacedBake: isReplaceable(config) && learnsIn(config) === undefined,
      layer: describeLayer({ layer, compressedBytes: gzipSync(layer.tar).length }),
    }
  } catch (error) {
    await store.remove(id).catch(() => undefined) // the first error is the one to report
    throw error
  }
}

/** The directory that the image names by itself, or the usual one. */
function directoryOf(config: ImageConfig): string {
  const { PYCDS_LEARN: own } = environmentOf(config)
  return own?.startsWith('/') ? own : LEARN_DIRECTORY
}

export interface PrepareRootRequest extends Timed {
  /** A virtual environment, as an absolute path; absent: the whole root file system, in a build step. */
  environment?: string
  /** The interpreter in the root; default: python3 of PATH. */
  python?: string
  /** Prepare this root whatever it looks like. */
  here: boolean
  /** Write below this directory instead of into the root. */
  output?: string
}

/** Prepares what is at hand: the root file system of a build step, or a virtual environment of this machine. */
export async function prepareRoot(
  request: PrepareRootRequest,
  ports: Omit<RunPorts, 'progress'> & { root: ImageRoot },
): Promise<PrepareRootResult> {
  const { environment, output, sourceDateEpoch, here } = request
  const { root, engine, archiver } = ports
  const chosen = here || environment !== undefined
  assertImage({ here: chosen }, root, 'prepare a virtual environment: pycds-image prepare --root VENV.')
  const subject = environment === undefined ? `image ${SUBJECT}` : `--root ${environment}`
  const python = await withContainer(engine, SUBJECT, (files) =>
    findInstalled(subject, files, placesOf(request, root), archiver),
  )
  const { runtime } = archiver.injected(process.arch)
  const { siteDirectory } = python
  if (environment !== undefined) assertInside(environment, root)
  const folder =
    environment === undefined ? folderFor([siteDirectory], request, root) : besideOf(siteDirectory)
  const directory = environment === undefined ? LEARN_DIRECTORY : learningIn(environment)
  const make = (image: string) => {
    const content = learningContent({ ...served(python), runtime, origin: null, directory, image })
    return layerFiles(content, 'by-itself', folder)
  }
  // Nothing else tells one image from another here. What is built anew has other times, unless the same bytes are asked for.
  const image = root.fingerprint([siteDirectory, ...tellingOf(request, root)], {
    times: sourceDateEpoch === undefined,
    without: make('').map(({ path }) => path),
  })
  const files = make(image)
  root.write(files, { mtime: timeOf(request, new Date()), ...present({ output }) })
  return {
    schema: 'io.pycds.prepare-root/1',
    root: environment ?? output ?? '/',
    ...describe(python, directory),
    files: sizesOf(files),
  }
}

/** A link in the environment must not lead what is written out of it. */
function assertInside(environment: string, root: ImageRoot): void {
  const directory = learningIn(environment)
  const [from, to] = [root.realPath(environment), root.realPath(directory)]
  if (to.startsWith(`${from}/`)) return
  throw new PycdsError('USAGE', {
    message: `--root ${environment}: ${directory} leads out of it, to ${to}`,
    hint: 'Take the link away: what is learned lies in the environment.',
  })
}

/** Where a virtual environment learns. */
function learningIn(environment: string): string {
  return `${environment}${LEARN_DIRECTORY}`
}

/** Where packages of an image are listed, or lie. */
const PACKAGES = [
  '/usr/lib/python3/dist-packages',
  '/var/lib/dpkg/status',
  '/lib/apk/db/installed',
  '/var/lib/rpm',
]

/** What tells one image from another, where there is more than a virtual environment. */
function tellingOf({ environment }: PrepareRootRequest, root: ImageRoot): string[] {
  if (environment !== undefined) return []
  // The application is likely to lie where it starts; the directories at the top of a root tell nothing.
  return root.directory === '/' ? PACKAGES : [root.directory, ...PACKAGES]
}

/** Where the interpreter is looked for. */
function placesOf({ environment, python }: PrepareRootRequest, root: ImageRoot): PythonSurroundings {
  const inside = environment === undefined ? python : `${environment}/bin/python3`
  return {
    command: [],
    path: root.environment.PATH ?? DEFAULT_PATH,
    directory: root.directory,
    ...present({ python: inside }),
  }
}

/** The interpreter that the hook is for. */
function served(python: InstalledPython) {
  return { python, identity: python.identity, siteDirectory: python.siteDirectory }
}

function describe(python: InstalledPython, directory: string): Prepared {
  const { version, executable, library, siteDirectory, identity } = python
  return { python: { version, executable, library, siteDirectory, buildId: identity.hex }, directory }
}
