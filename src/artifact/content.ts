// SPDX-License-Identifier: Apache-2.0
// All that a bake puts into an image: its artifacts, the manifest that tells of them, and where the hook goes.
import { PycdsError } from '../errors/index.js'
import type { LayerContent } from '../layer/layer.js'
import type { PythonGroup } from '../learn/select/interpreter.js'
import { during, type Progress } from '../log/index.js'
import type { Archiver } from '../ports/index.js'
import { TOOL_VERSION } from '../util/version.js'
import { type ArchiveArtifact, type ArchiveInput, makeArchive } from './archive.js'
import { type Bytecode, toArtifact } from './bytecode/index.js'
import { formatManifest } from './manifest.js'

export interface ContentInput extends ArchiveInput {
  runtime: Buffer
  /** Files for modules that are not in the archive. */
  bytecode: Bytecode
  /** Chain id of the layers that the archive was made from; null when it is not known. */
  origin: string | null
}

/** What goes into the image, and the archive in it that results tell of. */
export interface MadeContent extends LayerContent {
  archive: ArchiveArtifact
}

/** Writes the artifacts and their manifest, and says where the hook belongs. */
export function makeContent(
  input: ContentInput,
  ports: { archiver: Archiver; progress: Progress },
): Promise<MadeContent> {
  return during(ports.progress, ['archive', 'Write the archive'], async (step) => {
    const archive = await makeArchive(input, ports.archiver)
    const { runtime, bytecode } = input
    const siteDirectories = hookDirectories(input.reference, input.python)
    const content = {
      archive,
      artifacts: [archive, toArtifact(bytecode)],
      manifest: manifestOf(input, archive),
      runtime,
      siteDirectories,
    }
    step.done(`${archive.summary.modules} modules, ${archive.summary.leftOut.length} left out`)
    return content
  })
}

function manifestOf(
  { python: { python }, validate, origin, bytecode }: ContentInput,
  archive: ArchiveArtifact,
) {
  const { modules, regexes, sources, leftOut } = archive.summary
  const { version, executable, library } = python
  return formatManifest({
    schema: 'io.pycds.manifest/1',
    tool: `pycds-image ${TOOL_VERSION}`,
    source: origin,
    python: { version, executable, library, ...archive.identity },
    validate,
    modules,
    regexes,
    sources,
    leftOut,
    bytecode: { paths: bytecode.files.map((file) => file.path) },
  })
}

/** The first site directory of each environment: one hook per interpreter start is enough. */
function hookDirectories(reference: string, { processes, python }: PythonGroup): string[] {
  const directories = new Set(processes.flatMap((process) => process.siteDirectories?.[0] ?? []))
  if (directories.size > 0) return [...directories].sort()
  throw new PycdsError('PYTHON_UNSUPPORTED', {
    message: `image ${reference}: ${python.executable}: it has no site directory for the hook`,
    hint: 'Create its site-packages directory in the image.',
  })
}
