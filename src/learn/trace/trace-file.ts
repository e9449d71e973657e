// SPDX-License-Identifier: Apache-2.0
// A trace as a file: which modules an application imports, and what their sources were. It
// holds no code, so that a trace from elsewhere cannot bring any into an image, and nothing
// of the run that it comes from: no environment, no arguments, no time.
export const TRACE_SCHEMA = 'io.pycds.trace/1'

/** One module of a trace. */
export interface TraceModule {
  name: string
  /** Absolute path of the source in the image. */
  origin: string
  /** The entry of the search path that led to it. */
  entry: string
  package: boolean
  /** Hexadecimal, as importlib computes it for hash-based bytecode. */
  sourceHash: string
}

/** A regular expression that was compiled. */
export interface TraceRegex {
  /** Whether the pattern is bytes, each written as one character. */
  bytes: boolean
  /** Those that were asked for, as a number. */
  flags: number
  pattern: string
}

/** A text that was compiled by `compile`, `exec` or `eval`. */
export interface TraceSource {
  mode: 'exec' | 'eval' | 'single'
  flags: number
  filename: string
  text: string
}

/** The Python that imported them. */
export interface TracePython {
  version: string
  cacheTag: string
  /** As it was started; one that compiles alike where a server has Python as a plugin. */
  executable: string
  /** Of a plugin: the file that holds the interpreter. */
  library?: string
  optimize: number
}

export interface Trace {
  schema: typeof TRACE_SCHEMA
  /** The images that were run, by id, and their platforms. */
  images: { id: string; platform: string }[]
  python: TracePython
  /** Where the hook belongs: the first site directory of each environment. */
  siteDirectories: string[]
  /** In the order of first import. */
  modules: TraceModule[]
  /** What was compiled while it ran, in this order; only the question, never the answer. */
  regexes: TraceRegex[]
  sources: TraceSource[]
  /** Extension modules and the libraries that came with them, as paths, in the order of first use. */
  files: string[]
  /** Imported, but not from sources that could be archived. */
  leftOut: { name: string; reason: string }[]
}

/** Writes a trace; equal traces give equal bytes, one line for each module. */
export function formatTrace(trace: Trace): string {
  const list = (items: readonly (object | string)[]) =>
    items.length === 0 ? '[]' : `[\n${items.map((item) => `    ${JSON.stringify(item)}`).join(',\n')}\n  ]`
  const { schema, images, python, siteDirectories, modules, regexes, sources, files, leftOut } =
    copyTrace(trace)
  return `{
  "schema": ${JSON.stringify(schema)},
  "images": ${list(images)},
  "python": ${JSON.stringify(python)},
  "siteDirectories": ${JSON.stringify(siteDirectories)},
  "modules": ${list(modules)},
  "regexes": ${list(regexes)},
  "sources": ${list(sources)},
  "files": ${list(files)},
  "leftOut": ${list(leftOut)}
}
`
}

/** Only what the schema knows, in its order. */
export function copyTrace(trace: Trace): Trace {
  const { version, cacheTag, executable, library, optimize } = trace.python
  return {
    schema: TRACE_SCHEMA,
    images: trace.images.map(({ id, platform }) => ({ id, platform })),
    python: { version, cacheTag, executable, ...(library === undefined ? {} : { library }), optimize },
    siteDirectories: [...trace.siteDirectories],
    modules: trace.modules.map(copyModule),
    regexes: trace.regexes.map(({ bytes, flags, pattern }) => ({ bytes, flags, pattern })),
    sources: trace.sources.map(({ mode, flags, filename, text }) => ({ mode, flags, filename, text })),
    files: [...trace.files],
    leftOut: trace.leftOut.map(({ name, reason }) => ({ name, reason })),
  }
}

function copyModule({ name, origin, entry, package: isPackage, sourceHash }: TraceModule): TraceModule {
  return { name, origin, entry, package: isPackage, sourceHash }
}
