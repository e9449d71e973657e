// SPDX-License-Identifier: Apache-2.0
// The only file that loads the native addon, and the only one that knows where the native
// parts lie. Everything else uses the typed functions of this folder.
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { PycdsError } from '../errors/index.js'
import { inPackage } from '../util/package-root.js'
import { loadWasm } from './wasm.js'

export interface NativeTarget {
  hexversion: number
  machine: number
  validate: number
  optimize: number
  identityKind: number
  identity: Buffer
  magic: Buffer
  files: Buffer
}

export interface NativeModule {
  name: Buffer
  origin: Buffer
  cached: Buffer
  entry: Buffer
  isPackage: boolean
  mtime: number
  size: number
  sourceHash: Buffer
  marshal: Buffer
  seeds: Buffer
}

export interface NativeRegex {
  isBytes: boolean
  pattern: Buffer
  asked: number
  flags: number
  groups: number
  words: Buffer
  names: readonly { name: string; group: number }[]
}

export interface NativeSource {
  mode: number
  optimize: number
  flags: number
  filename: Buffer
  text: Buffer
  marshal: Buffer
}

export interface NativeCaches {
  regexes: readonly NativeRegex[]
  sources: readonly NativeSource[]
}

export interface NativeOutcome {
  leftOut: string | null
  codeObjects: number
  storedBytes: number
}

export interface NativeHeader {
  format: number
  fileBytes: number
  hexversion: number
  machine: number
  validate: number
  optimize: number
  identityKind: number
  identity: string
  units: number
  shared: number
  arenaBytes: number
}

export interface NativeModuleEntry {
  name: string
  origin: string
  entry: string
  isPackage: boolean
  bytes: number
  marshalBytes: number
  codeObjects: number
  sourceMtime: number
  sourceSize: number
}

export type NativeArchive =
  | { reject: string; sentence: string }
  | {
      reject?: never
      header: NativeHeader
      info: string
      modules: NativeModuleEntry[]
      caches: { regexes: number; sources: number }
      damage: string | null
    }

export interface NativeBinding {
  writeArchive(
    target: NativeTarget,
    modules: NativeModule[],
    caches: NativeCaches,
    info: Buffer,
  ): { archive: Buffer; modules: NativeOutcome[] }
  readArchive(bytes: Buffer): NativeArchive
  identify(bytes: Buffer): { kind: number; machine: number; identity: Buffer }
  supportedVersions(): string[]
}

/** What is put into images (the first), or into training containers only. */
export type InjectedPart = '_pycds.abi3.so' | 'pycds-tracer.so' | 'pycds-probe' | 'import.py' | 'compile.py'

/**
 * The native core for this machine: the addon, or what is left where none was made for it, as on macOS. INTERNAL when
 * the package holds neither.
 */
export function loadBinding(): NativeBinding {
  const path = nativeFile(process.arch, 'pycds.node')
  try {
    return createRequire(import.meta.url)(path) as NativeBinding
  } catch (cause) {
    try {
      return loadWasm(inPackage('prebuilds/wasm/pycds.wasm'))
    } catch {
      throw missing(path, cause)
    }
  }
}

/**
 * The bytes of a part that is put into images.
 * @param arch Node's name of the image's architecture, such as `x64`.
 */
export function readInjected(arch: string, name: InjectedPart): Buffer {
  const path = nativeFile(arch, name)
  try {
    return readFileSync(path)
  } catch (cause) {
    throw missing(path, cause)
  }
}

/** Where a native part lies; it may be missing. */
export function nativeFile(arch: string, name: string): string {
  return inPackage(`prebuilds/linux-${arch}/${name}`)
}

function missing(path: string, cause: unknown): PycdsError {
  const [directory = '', name] = path.split('/').slice(-2)
  // A checkout builds the parts for another processor only where a compiler for it is installed.
  if (directory !== `linux-${process.arch}`) {
    const compiler = directory === 'linux-arm64' ? 'gcc-aarch64-linux-gnu' : 'gcc-x86-64-linux-gnu'
    return new PycdsError('PYTHON_UNSUPPORTED', {
      message: `native part ${directory}/${name}: this installation has none for that architecture`,
      hint: `Install a release; in a checkout install ${compiler} and run \`npm run build:native\`.`,
      cause,
    })
  }
  return new PycdsError('INTERNAL', {
    message: `native part ${directory}/${name}: cannot be loaded`,
    hint: 'Reinstall pycds-image; in a checkout run `npm run build:native`.',
    cause,
  })
}
