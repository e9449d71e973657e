// SPDX-License-Identifier: Apache-2.0
// What an archive holds, as its reader tells it.
import type { ArchiveDescription } from '../../ports/index.js'
import { compare } from '../../util/order.js'
import type { LeftOut } from '../kind/manifest.js'
import { leftOutOf } from './info.js'

/** The contents of an archive as results tell them. */
export interface ArchiveContents {
  python: { version: string; abi: string; buildId: string }
  archive: { path: string; bytes: number; format: number; modules: number; regexes: number; sources: number }
  /** Per top-level package, largest first. */
  packages: { name: string; modules: number; bytes: number }[]
  leftOut: LeftOut[]
  map: string | null
}

export interface ArchiveFound {
  /** Of the file, in the image or on this machine. */
  path: string
  /** What the manifest beside it says; undefined: what the archive says itself. */
  leftOut: LeftOut[] | undefined
  /** Also list every module. */
  map: boolean
}

export function describeArchive(
  archive: ArchiveDescription,
  { path, leftOut, map }: ArchiveFound,
): ArchiveContents {
  return {
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
    leftOut: leftOut ?? leftOutOf(archive.info),
    map: map ? formatMap(archive) : null,
  }
}

function groupByPackage(archive: ArchiveDescription): ArchiveContents['packages'] {
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
