// SPDX-License-Identifier: Apache-2.0
// The middle of a bake: from what training saw to the layer that will be added.
import { PycdsError } from '../errors/index.js'
import type { Progress } from '../log/index.js'
import type { ElfIdentity, Validate } from './archiver.js'
import type { Bytecode } from './bytecode/index.js'
import { selectCaches } from './caches.js'
import { selectFiles } from './files.js'
import type { PythonGroup } from './interpreter.js'
import { originOf } from './labels.js'
import { type LayerContent, makeLayer } from './layer.js'
import type { ModuleSelection } from './modules.js'
import type { Archiver, Container, NewLayer, SourceImage } from './ports.js'
import { TOOL_VERSION } from './version.js'

export interface ArchivePorts {
  archiver: Archiver
  progress: Progress
}

export interface ContentInput {
  request: { reference: string; validate: Validate }
  python: PythonGroup
  selection: ModuleSelection
  runtime: Buffer
  /** The files of the image as they were before the training run. */
  image: Pick<Container, 'readFile'>
  /** Files to add for modules that are not in the archive. */
  bytecode?: Bytecode
  /** Chain id of the layers that the archive was made from; null when it is not known. */
  origin: string | null
}

export interface ArchiveInput extends Omit<ContentInput, 'origin'> {
  request: ContentInput['request'] & { sourceDateEpoch?: number }
  source: SourceImage
  /** A container of the source image that was never started. */
  image: Container
}

/** What a bake puts into an image, and what is to be said about it. */
export interface MadeContent {
  identity: ElfIdentity
  content: Omit<LayerContent, 'mtime'>
  modules: number
  regexes: number
  sources: number
  leftOut: { name: string; reason: string }[]
}

/** The new layer and what is to be said about it. */
export interface Made {
  identity: ElfIdentity
  layer: NewLayer
  archiveBytes: number
  modules: number
  regexes: number
  sources: number
  leftOut: { name: string; reason: string }[]
  pythonVersion: string
}

/** Writes the archive for the chosen interpreter and packs the layer. */
export async function makeArchive(input: ArchiveInput, ports: ArchivePorts): Promise<Made> {
  const step = ports.progress.step('archive', 'Write the archive')
  try {
    // Not the image's id: tools that copy an image write its configuration anew, and the layer would differ.
    const origin = originOf(input.source.config)
    const { identity, content, modules, regexes, sources, leftOut } = await makeContent(
      { ...input, origin },
      ports.archiver,
    )
    const epoch = input.request.sourceDateEpoch
    const mtime = new Date(epoch === undefined ? (input.source.config.created ?? 0) : epoch * 1000)
    const layer = await makeLayer(input.image, { ...content, mtime })
    step.done(`${modules} modules, ${leftOut.length} left out`)
    return {
      ...{ identity, layer, leftOut, modules, regexes, sources },
      archiveBytes: content.archive.length,
      pythonVersion: input.python.python.version,
    }
  } catch (error) {
    step.fail('failed')
    throw error
  }
}

/** Writes the archive and the manifest, and says where the hook belongs. */
export async function makeContent(input: ContentInput, archiver: Archiver): Promise<MadeContent> {
  const { python } = input.python
  const identity = await identify(input, archiver)
  const info = { tool: TOOL_VERSION, python: python.version, leftOut: input.selection.leftOut }
  const files = selectFiles(input.python)
  const target = { ...python, identity, validate: input.request.validate, files }
  const cached = selectCaches(input.python)
  const compiled = { regexes: cached.regexes.length, sources: cached.sources.length }
  const written = archiver.write(target, input.selection.modules, info, cached)
  const leftOut = [...input.selection.leftOut, ...written.leftOut]
  const bytecode = input.bytecode?.files ?? []
  const manifest = {
    schema: 'io.pycds.manifest/1',
    tool: `pycds-image ${TOOL_VERSION}`,
    source: input.origin,
    python: { version: python.version, executable: python.executable, library: python.library, ...identity },
    validate: input.request.validate,
    modules: written.modules,
    ...compiled,
    leftOut,
    bytecode: { paths: bytecode.map((file) => file.path) },
  }
  const siteDirectories = findSiteDirectories(input)
  const content = { archive: written.bytes, manifest, runtime: input.runtime, siteDirectories, bytecode }
  return { identity, content, modules: written.modules, ...compiled, leftOut }
}

async function identify(
  { image, python: { python }, request }: ContentInput,
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
function findSiteDirectories({ python, request }: ContentInput): string[] {
  const directories = new Set(python.processes.flatMap((process) => process.siteDirectories?.[0] ?? []))
  if (directories.size > 0) return [...directories].sort()
  throw new PycdsError('PYTHON_UNSUPPORTED', {
    message: `image ${request.reference}: ${python.python.executable}: it has no site directory for the hook`,
    hint: 'Create its site-packages directory in the image.',
  })
}
