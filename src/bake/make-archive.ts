// SPDX-License-Identifier: Apache-2.0
// The middle of a bake: from what training saw to the layer that will be added.
import { PycdsError } from '../errors/index.js'
import type { Progress } from '../log/index.js'
import type { ElfIdentity, Validate } from './archiver.js'
import type { PythonGroup } from './interpreter.js'
import { LABELS, labelsOf } from './labels.js'
import { makeLayer } from './layer.js'
import type { ModuleSelection } from './modules.js'
import type { Archiver, Container, NewLayer, SourceImage } from './ports.js'
import { TOOL_VERSION } from './version.js'

export interface ArchivePorts {
  archiver: Archiver
  progress: Progress
}

export interface ArchiveInput {
  request: { reference: string; validate: Validate }
  source: SourceImage
  python: PythonGroup
  selection: ModuleSelection
  runtime: Buffer
  /** A container of the source image that was never started. */
  image: Container
}

/** The new layer and what is to be said about it. */
export interface Made {
  identity: ElfIdentity
  layer: NewLayer
  archiveBytes: number
  modules: number
  leftOut: { name: string; reason: string }[]
  pythonVersion: string
}

/** Writes the archive for the chosen interpreter and packs the layer. */
export async function makeArchive(input: ArchiveInput, ports: ArchivePorts): Promise<Made> {
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
