// SPDX-License-Identifier: Apache-2.0
// All that a bake puts into an image: its artifacts, the manifest that tells of them, and where the hook goes.
import { PycdsError } from '../errors/index.js'
import type { LayerContent } from '../layer/layer.js'
import type { PythonGroup } from '../learn/select/interpreter.js'
import { during } from '../log/index.js'
import type { ElfIdentity, RunPorts } from '../ports/index.js'
import { type ArchiveInput, type ArchiveSummary, makeArchive } from './archive/make.js'
import { type BytecodeInput, type BytecodeSummary, makeBytecode } from './bytecode/index.js'
import { formatManifest, type Manifest, manifestOf, NOTHING_NOTED, type Served } from './kind/manifest.js'
import { makeLearning } from './learning/make.js'
import type { SnapshotSummary } from './snapshot/make.js'

export interface ContentInput extends ArchiveInput, BytecodeInput {
  runtime: Buffer
  /** Chain id of the layers that the bake started from; null when it is not known. */
  origin: string | null
}

/** What results tell of each artifact. */
export interface Summaries {
  archive: ArchiveSummary
  /** Bytecode files that were added for modules outside the archive. */
  bytecode: BytecodeSummary
  /** The process snapshot, or why there is none; null: it was not asked for. */
  snapshot: SnapshotSummary | null
}

/** What goes into the image, and what results tell of it. */
export interface MadeContent extends LayerContent {
  /** Of the interpreter that all of it is for. */
  identity: ElfIdentity
  /** What the manifest says. */
  document: Manifest
  /** @param folder as for the files of an artifact */
  summaries(folder: string): Summaries
}

/** Makes the artifacts and their manifest, and says where the hook belongs. */
export async function makeContent(input: ContentInput, ports: RunPorts): Promise<MadeContent> {
  const bytecode = await makeBytecode(input, ports)
  return await during(ports.progress, ['archive', 'Write the archive'], async (step) => {
    const archive = await makeArchive(input, ports.archiver)
    const siteDirectories = hookDirectories(input.reference, input.python)
    const { identity } = archive
    const served = { python: input.python.python, identity, validate: input.validate, origin: input.origin }
    const document = manifestOf(served, { ...archive.noted, ...bytecode.noted })
    const content: MadeContent = {
      artifacts: [archive, bytecode],
      identity,
      document,
      manifest: formatManifest(document),
      runtime: input.runtime,
      siteDirectories,
      summaries: (folder) => ({
        archive: archive.summary(folder),
        bytecode: bytecode.summary(folder),
        snapshot: null,
      }),
    }
    step.done(`${archive.noted.modules} modules, ${archive.noted.leftOut.length} left out`)
    return content
  })
}

export interface LearningInput extends Omit<Served, 'validate'> {
  runtime: Buffer
  /** Where the hook goes. */
  siteDirectory: string
  /** Where starts learn. */
  directory: string
  /** What tells the image from others, where that is not its layers. */
  image?: string
}

/** The same for an image whose containers learn: nothing has been made for it. */
export function learningContent(input: LearningInput): LayerContent {
  const { runtime, siteDirectory, directory, image, origin } = input
  return {
    artifacts: [makeLearning(directory, image ?? origin ?? '-')],
    manifest: formatManifest(manifestOf({ ...input, validate: 'stat' }, NOTHING_NOTED)),
    runtime,
    siteDirectories: [siteDirectory],
  }
}

/** The first site directory of each environment: one hook per interpreter start is enough. */
function hookDirectories(reference: string, { processes, python }: PythonGroup): string[] {
  const directories = new Set(processes.flatMap((process) => process.siteDirectories?.[0] ?? []))
  if (directories.size > 0) return [...directories].sort()
  throw new PycdsError('PYTHON_UNSUPPORTED', {
    message: `image ${reference}: ${python.executable}: the image has no site directory of it for the hook`,
    hint: 'Make its site-packages directory, or its virtual environment, when the image is built and not at start.',
  })
}
