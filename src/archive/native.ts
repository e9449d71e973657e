// SPDX-License-Identifier: Apache-2.0
// What the native core takes and gives, be it the addon or WebAssembly.

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
