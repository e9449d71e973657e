// SPDX-License-Identifier: Apache-2.0
// The document beside an archive: what was baked, from what, by which version. It is for people and for later bakes;
// the runtime never reads it. docs/schemas/manifest.json describes it for others.
import type { ElfIdentity, Validate } from '../ports/index.js'

/** A module that was imported and is not in the archive. */
export interface LeftOut {
  name: string
  reason: string
}

export interface Manifest {
  schema: 'io.pycds.manifest/1'
  /** `pycds-image` and its version. */
  tool: string
  /** Chain id of the layers that the bake started from; null when it is not known, as in a build step. */
  source: string | null
  python: { version: string; executable: string; library: string } & ElfIdentity
  validate: Validate
  /** Numbers of what the archive holds. */
  modules: number
  regexes: number
  sources: number
  leftOut: LeftOut[]
  /** Bytecode files that were added, as absolute paths. */
  bytecode: { paths: string[] }
}

export function formatManifest(manifest: Manifest): Buffer {
  return Buffer.from(`${JSON.stringify(manifest, null, 2)}\n`)
}

/**
 * Reads one, also of another version of this tool.
 * @returns undefined for anything else: an image may hold whatever somebody put at this path.
 */
export function parseManifest(bytes: Buffer | undefined): Manifest | undefined {
  let value: Partial<Manifest> | null | undefined
  try {
    value = bytes && JSON.parse(bytes.toString())
  } catch {
    return undefined
  }
  const isManifest =
    value?.schema === 'io.pycds.manifest/1' &&
    typeof value.python?.executable === 'string' &&
    isListOf(value.leftOut, (one) => typeof one?.name === 'string' && typeof one.reason === 'string') &&
    isListOf(value.bytecode?.paths, (path) => typeof path === 'string')
  return isManifest ? (value as Manifest) : undefined
}

function isListOf<T>(value: readonly T[] | undefined, isOne: (item: T) => boolean): boolean {
  return Array.isArray(value) && value.every(isOne)
}
