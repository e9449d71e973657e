// SPDX-License-Identifier: Apache-2.0
// The document beside an archive: what was baked, from what, by which version. It is for people and for later bakes;
// the runtime never reads it. docs/schemas/manifest.json describes it for others.
import type { ElfIdentity, Validate } from '../../ports/index.js'
import { TOOL_VERSION } from '../../util/version.js'

/** A module that was imported and is not in the archive. */
export interface LeftOut {
  name: string
  reason: string
}

/** A module that is not ready in a snapshot, though programs of the image import it. */
export interface SnapshotLeftOut {
  name: string
  /** A word for the reason. */
  code: string
  /** The same as a sentence. */
  reason: string
  /** What it is about: a file, a variable, an attribute; empty: nothing. */
  detail: string
  /** The module whose import it is; others are left out because they import that. */
  because: string
  /** What its import took of the processor when it was watched, with all that it imported. */
  milliseconds: number
}

/** A process snapshot beside the archive. */
export interface SnapshotNote {
  bytes: number
  /** The interpreter as it was started, and its options: other starts do not use it. */
  python: string
  options: string[]
  /** Variables that it was started with beside the image's own; absent: none. */
  environment?: Record<string, string>
  /** Those that are ready in it. */
  modules: string[]
  /** Main programs that go on in it: a script's path, a module of -m, the beginning of a command. */
  programs: { kind: 'script' | 'module' | 'command'; text: string }[]
  /** How far the processor may be used, as it was asked for. */
  cpu: 'v2' | 'v3' | 'native'
  leftOut: SnapshotLeftOut[]
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
  /** Absent: there is none. */
  snapshot?: SnapshotNote
}

/** What the artifacts of an image say of themselves. */
export type Noted = Pick<Manifest, 'modules' | 'regexes' | 'sources' | 'leftOut' | 'bytecode'>

/** Of an image in which nothing was made yet. */
export const NOTHING_NOTED: Noted = {
  modules: 0,
  regexes: 0,
  sources: 0,
  leftOut: [],
  bytecode: { paths: [] },
}

/** What the layer of a manifest is for. */
export interface Served {
  python: Pick<Manifest['python'], 'version' | 'executable' | 'library'>
  /** Of that interpreter. */
  identity: ElfIdentity
  validate: Validate
  /** As the manifest's `source`. */
  origin: string | null
}

/** The manifest of a layer, by whatever it was made: the only place where one is put together. */
export function manifestOf({ python, identity, validate, origin }: Served, noted: Noted): Manifest {
  const { version, executable, library } = python
  return {
    schema: 'io.pycds.manifest/1',
    tool: `pycds-image ${TOOL_VERSION}`,
    source: origin,
    python: { version, executable, library, ...identity },
    validate,
    ...noted,
  }
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
    parseLeftOut(value.leftOut) !== undefined &&
    isListOf(value.bytecode?.paths, (path) => typeof path === 'string') &&
    (value.snapshot === undefined ||
      (typeof value.snapshot.python === 'string' &&
        isListOf(value.snapshot.options, (word) => typeof word === 'string') &&
        isListOf(Object.values(value.snapshot.environment ?? {}), (one) => typeof one === 'string') &&
        isListOf(value.snapshot.modules, (name) => typeof name === 'string') &&
        isListOf(value.snapshot.leftOut, (one) => typeof one?.name === 'string')))
  return isManifest ? (value as Manifest) : undefined
}

/** A list of such modules; undefined for anything else. */
export function parseLeftOut(value: unknown): LeftOut[] | undefined {
  const isOne = (one: unknown) =>
    typeof one === 'object' &&
    typeof (one as LeftOut | null)?.name === 'string' &&
    typeof (one as LeftOut).reason === 'string'
  return Array.isArray(value) && value.every(isOne) ? value : undefined
}

function isListOf<T>(value: readonly T[] | undefined, isOne: (item: T) => boolean): boolean {
  return Array.isArray(value) && value.every(isOne)
}
