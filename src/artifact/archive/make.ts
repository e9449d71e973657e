// SPDX-License-Identifier: Apache-2.0
// The archive of code objects, for the interpreter that a training run used.
import { PycdsError } from '../../errors/index.js'
import { selectCaches } from '../../learn/select/caches.js'
import { selectFiles } from '../../learn/select/files.js'
import type { PythonGroup } from '../../learn/select/interpreter.js'
import type { ModuleSelection } from '../../learn/select/modules.js'
import { artifactEnvironment } from '../../marks/marks.js'
import { ARCHIVE_NAME } from '../../marks/places.js'
import type { Archiver, Container, ElfIdentity, Validate } from '../../ports/index.js'
import { TOOL_VERSION } from '../../util/version.js'
import type { MadeArtifact } from '../kind/artifact.js'
import type { LeftOut, Manifest } from '../kind/manifest.js'
import type { ArchiveInfo } from './info.js'

/** An archive as results tell it. */
export interface ArchiveSummary {
  path: string
  bytes: number
  modules: number
  /** Compiled regular expressions and source strings. */
  regexes: number
  sources: number
  leftOut: LeftOut[]
}

export interface ArchiveInput {
  /** What is baked, as messages name it. */
  reference: string
  validate: Validate
  python: PythonGroup
  selection: ModuleSelection
  /** The files of the image as they were before the training run. */
  image: Pick<Container, 'readFile'>
}

type ArchiveNote = Pick<Manifest, 'modules' | 'regexes' | 'sources' | 'leftOut'>

export interface ArchiveArtifact extends MadeArtifact<ArchiveSummary, ArchiveNote> {
  /** Of the interpreter that it is for. */
  readonly identity: ElfIdentity
}

/**
 * Writes the archive; the same input gives the same bytes.
 * @throws PYTHON_UNSUPPORTED when the image's interpreter is not the one that ran.
 */
export async function makeArchive(input: ArchiveInput, archiver: Archiver): Promise<ArchiveArtifact> {
  const { python } = input.python
  const identity = await identify(input, archiver)
  const cached = selectCaches(input.python)
  const target = { ...python, identity, validate: input.validate, files: selectFiles(input.python) }
  const write = (leftOut: readonly LeftOut[]) => {
    const info: ArchiveInfo = { tool: TOOL_VERSION, python: python.version, leftOut }
    return archiver.write(target, input.selection.modules, info, cached)
  }
  const first = write(input.selection.leftOut)
  const leftOut = [...input.selection.leftOut, ...first.leftOut]
  // What cannot be archived turns out as it is written, and the archive tells of it.
  const written = first.leftOut.length === 0 ? first : write(leftOut)
  const noted = {
    modules: written.modules,
    regexes: cached.regexes.length,
    sources: cached.sources.length,
    leftOut,
  }
  return {
    kind: 'archive',
    files: (folder) => [{ path: `${folder}/${ARCHIVE_NAME}`, mode: 0o444, body: written.bytes }],
    environment: artifactEnvironment,
    labels: {},
    identity,
    noted,
    summary: (folder) => ({ path: `${folder}/${ARCHIVE_NAME}`, bytes: written.bytes.length, ...noted }),
  }
}

async function identify(
  { image, python: { python }, reference }: ArchiveInput,
  archiver: Archiver,
): Promise<ElfIdentity> {
  const file = await image.readFile(python.library)
  const identity = file && archiver.identify(file)
  if (!identity || identity.hex !== python.identity) {
    throw new PycdsError('PYTHON_UNSUPPORTED', {
      message: `image ${reference}: ${python.library}: the training run used another file than the image holds`,
      hint: 'Put the interpreter into the image instead of installing it at start.',
    })
  }
  return identity
}
