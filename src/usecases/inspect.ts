// SPDX-License-Identifier: Apache-2.0
// What an archive holds, read from a file or from a baked image.
import { readFile, stat } from 'node:fs/promises'
import { readBaked } from '../artifact/baked.js'
import type { LeftOut } from '../artifact/manifest.js'
import { PycdsError } from '../errors/index.js'
import { ARCHIVE_PATH } from '../layer/marks.js'
import type { ArchiveDescription, Ports } from '../ports/index.js'
import { withContainer } from '../ports/with-container.js'
import { compare } from '../util/order.js'

export interface InspectRequest {
  /** An archive file, if there is one of that name, else an image. */
  subject: string
  /** Also list every module. */
  map: boolean
}

export interface InspectResult {
  schema: 'io.pycds.inspect/1'
  subject: { kind: 'image' | 'archive'; name: string }
  python: { version: string; abi: string; buildId: string }
  archive: { path: string; bytes: number; format: number; modules: number; regexes: number; sources: number }
  /** Per top-level package, largest first. */
  packages: { name: string; modules: number; bytes: number }[]
  leftOut: LeftOut[]
  map: string | null
}

type InspectPorts = Omit<Ports, 'progress'>

/** Describes an archive; ARCHIVE_INVALID when it is damaged, IMAGE_INVALID when the image was never baked. */
export async function inspect(request: InspectRequest, ports: InspectPorts): Promise<InspectResult> {
  const isFile = await stat(request.subject).then(
    (found) => found.isFile(),
    () => false,
  )
  const { bytes, leftOut, path } = isFile
    ? { bytes: await readFile(request.subject), leftOut: undefined, path: request.subject }
    : await readFromImage(request.subject, ports)
  const archive = ports.archiver.describe(request.subject, bytes)
  return {
    schema: 'io.pycds.inspect/1',
    subject: { kind: isFile ? 'archive' : 'image', name: request.subject },
    python: {
      version: archive.pythonVersion,
      abi: `cpython-${archive.pythonVersion.split('.').slice(0, 2).join('')}`,
      buildId: archive.buildId,
    },
    archive: {
      path,
      bytes: archive.bytes,
      format: archive.format,
      modules: archive.modules.length,
      regexes: archive.regexes,
      sources: archive.sources,
    },
    packages: groupByPackage(archive),
    leftOut: leftOut ?? leftOutOf(archive),
    map: request.map ? formatMap(archive) : null,
  }
}

async function readFromImage(reference: string, ports: InspectPorts) {
  const image = await ports.store.resolve(reference)
  return withContainer(ports.engine, image.id, async (container) => {
    const { archive, manifest } = await readBaked(container)
    if (!archive) {
      throw new PycdsError('IMAGE_INVALID', {
        message: `image ${reference}: it holds no archive at ${ARCHIVE_PATH}`,
        hint: `Bake it first: pycds-image bake ${reference}`,
      })
    }
    return { bytes: archive, leftOut: manifest?.leftOut, path: ARCHIVE_PATH }
  })
}

/** What the archive says itself, for a file without a manifest beside it. */
function leftOutOf({ info }: ArchiveDescription): LeftOut[] {
  const list = (info as { leftOut?: unknown } | undefined)?.leftOut
  return Array.isArray(list) ? (list as LeftOut[]) : []
}

function groupByPackage(archive: ArchiveDescription): InspectResult['packages'] {
  const packages = new Map<string, { name: string; modules: number; bytes: number }>()
  for (const module of archive.modules) {
    const name = module.name.split('.')[0] ?? module.name
    const entry = packages.get(name) ?? { name, modules: 0, bytes: 0 }
    packages.set(name, { name, modules: entry.modules + 1, bytes: entry.bytes + module.bytes })
  }
  return [...packages.values()].sort((a, b) => b.bytes - a.bytes || compare(a.name, b.name))
}

function formatMap(archive: ArchiveDescription): string {
  return archive.modules
    .map((module) => `${module.name}\t${module.bytes}\t${module.codeObjects}\t${module.origin}`)
    .join('\n')
}
