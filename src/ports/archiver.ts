// SPDX-License-Identifier: Apache-2.0
// The port to the native archiver and reader.

/** One module that a process executed from a source file. */
export interface ModuleCode {
  name: string
  origin: string
  /** Empty when importlib computed none. */
  cached: string
  /** The entry of sys.path, or of the parent's `__path__`, that led to it. */
  entry: string
  isPackage: boolean
  /** Seconds since 1970. */
  mtime: number
  /** Bytes. */
  size: number
  sourceHash: Buffer
  marshal: Buffer
  seeds: Buffer
}

/** A regular expression and the program that `re` made of it. */
export interface CompiledRegex {
  isBytes: boolean
  /** UTF-8, or the bytes themselves. */
  pattern: Buffer
  /** The flags asked for, as a number. */
  asked: number
  flags: number
  groups: number
  /** Four bytes each, little endian. */
  words: Buffer
  names: { name: string; group: number }[]
}

/** A source string that `compile`, `exec` or `eval` was given, and its code. */
export interface CompiledSource {
  mode: 'exec' | 'eval' | 'single'
  optimize: number
  /** Compiler flags asked for or inherited. */
  flags: number
  filename: Buffer
  /** UTF-8. */
  text: Buffer
  marshal: Buffer
}

/** How a module's source is checked at run time before its archived code is used. */
export type Validate = 'stat' | 'hash' | 'none'

/** What identifies one exact build of an interpreter or libpython. */
export interface ElfIdentity {
  kind: 'build-id' | 'digest'
  /** Hexadecimal. */
  hex: string
  /** ELF e_machine. */
  machine: number
}

/** The interpreter for which an archive is written. */
export interface ArchiveTarget {
  hexversion: number
  identity: ElfIdentity
  magic: Buffer
  optimize: number
  validate: Validate
  /** What else training loaded, and a start with an empty page cache reads ahead: absolute paths, in order. */
  files?: readonly string[]
}

/** What importing would compute again each time. In the order of first use, each question once. */
export interface CachedResults {
  regexes: readonly CompiledRegex[]
  sources: readonly CompiledSource[]
}

export interface WrittenArchive {
  bytes: Buffer
  /** Number of modules in it. */
  modules: number
  leftOut: { name: string; reason: string }[]
}

/** One module of an archive, as the reader sees it. */
export interface ArchivedModule {
  name: string
  origin: string
  /** Its share of the file. */
  bytes: number
  codeObjects: number
}

/** What an archive says of itself. */
export interface ArchiveDescription {
  format: number
  bytes: number
  pythonVersion: string
  buildId: string
  validate: Validate
  modules: ArchivedModule[]
  /** Numbers of compiled regular expressions and source strings. */
  regexes: number
  sources: number
  /** What the writer put into the INFO section. */
  info: unknown
}

/** The native parts for one architecture. */
export interface Injected {
  /** Goes into the image. */
  runtime: Buffer
  /** Goes into training containers, like `probe`. */
  tracer: Buffer
  /** Looks at ports from inside a container. */
  probe: Buffer
  /** Tracer and probe as files of this machine. */
  tracerPath: string
  probePath: string
  /** Programs for the image's own Python, in training containers only. */
  scripts: { import: Buffer; compile: Buffer }
}

/** What freezes an interpreter and is mapped by the starts that go on in it, so it is shipped; and what watches one, which is not. */
export interface Freezer {
  freeze: Buffer
  watch: Buffer
}

export interface Archiver {
  /** Minor versions of CPython for which there is a layout, such as `3.12`. */
  supportedVersions(): string[]
  /** Undefined for anything but a 64-bit little-endian ELF file. */
  identify(file: Buffer): ElfIdentity | undefined
  /** Modules are given in import order. The same input gives the same bytes. */
  write(
    target: ArchiveTarget,
    modules: readonly ModuleCode[],
    info: unknown,
    cached?: CachedResults,
  ): WrittenArchive
  /** Checks everything; ARCHIVE_INVALID names the first thing that is wrong. `name` is for that message. */
  describe(name: string, bytes: Buffer): ArchiveDescription
  /** The parts that are put into images of an architecture (Node's name of it). */
  injected(architecture: string): Injected
  /** Undefined for an architecture (Node's name of it) that has no snapshots. */
  freezer(architecture: string): Freezer | undefined
  /** What an entrypoint can begin with; there for those without snapshots, too. */
  launcher(architecture: string): Buffer
}
