// SPDX-License-Identifier: Apache-2.0
// Reads trace files, which may come from anywhere: every value is checked before it is used.
import { PycdsError } from '../../errors/index.js'
import {
  copyTrace,
  TRACE_SCHEMA,
  type Trace,
  type TraceModule,
  type TracePython,
  type TraceRegex,
  type TraceSource,
} from './trace-file.js'

/** A file of more modules than this is no trace. */
const MAX_MODULES = 200_000

/** Reads a trace; TRACE_INVALID names the first thing that is wrong. `name` is for that message. */
export function parseTraceFile(name: string, text: string): Trace {
  const reader = new Reader(name)
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (cause) {
    throw reader.wrong('it is not JSON', cause)
  }
  const root = reader.object('', value)
  if (root.schema !== TRACE_SCHEMA) {
    throw reader.wrong(`its schema is ${JSON.stringify(root.schema) ?? 'missing'}, not ${TRACE_SCHEMA}`)
  }
  const trace = reader.trace(root)
  const names = new Set<string>()
  for (const module of trace.modules) {
    if (names.has(module.name)) throw reader.wrong(`modules: ${module.name} is there twice`)
    names.add(module.name)
  }
  return trace
}

/** Reads values of unknown shape, and says where one is wrong. */
class Reader {
  readonly #name: string

  constructor(name: string) {
    this.#name = name
  }

  wrong(reason: string, cause?: unknown): PycdsError {
    return new PycdsError('TRACE_INVALID', {
      message: `trace ${this.#name}: ${reason}`,
      hint: 'Record it again: pycds-image trace IMAGE -o FILE.',
      cause,
    })
  }

  trace(root: Record<string, unknown>): Trace {
    return copyTrace({
      schema: TRACE_SCHEMA,
      images: this.list('images', root.images, (at, value) => {
        const image = this.object(at, value)
        return { id: this.text(`${at}.id`, image.id), platform: this.text(`${at}.platform`, image.platform) }
      }),
      python: this.python('python', root.python),
      siteDirectories: this.list('siteDirectories', root.siteDirectories, (at, value) =>
        this.path(at, value),
      ),
      modules: this.list('modules', root.modules, (at, value) => this.module(at, value)),
      // A trace without them is one of a version that did not know them.
      regexes: this.list('regexes', root.regexes ?? [], (at, value) => this.regex(at, value)),
      sources: this.list('sources', root.sources ?? [], (at, value) => this.source(at, value)),
      files: this.list('files', root.files ?? [], (at, value) => this.path(at, value)),
      leftOut: this.list('leftOut', root.leftOut, (at, value) => {
        const entry = this.object(at, value)
        return { name: this.text(`${at}.name`, entry.name), reason: this.text(`${at}.reason`, entry.reason) }
      }),
    })
  }

  python(at: string, value: unknown): TracePython {
    const python = this.object(at, value)
    const { library, optimize } = python
    if (optimize !== 0 && optimize !== 1 && optimize !== 2) throw this.wrong(`${at}.optimize: not 0, 1 or 2`)
    return {
      version: this.text(`${at}.version`, python.version),
      cacheTag: this.text(`${at}.cacheTag`, python.cacheTag),
      executable: this.path(`${at}.executable`, python.executable),
      ...(library === undefined ? {} : { library: this.path(`${at}.library`, library) }),
      optimize,
    }
  }

  module(at: string, value: unknown): TraceModule {
    const module = this.object(at, value)
    const { package: isPackage, entry, sourceHash } = module
    if (typeof isPackage !== 'boolean') throw this.wrong(`${at}.package: not true or false`)
    // The entry is empty for a module found in the working directory.
    if (typeof entry !== 'string' || entry.includes('\0')) throw this.wrong(`${at}.entry: not a text`)
    if (typeof sourceHash !== 'string' || !/^[0-9a-f]{16}$/.test(sourceHash)) {
      throw this.wrong(`${at}.sourceHash: not a hash`)
    }
    return {
      name: this.text(`${at}.name`, module.name),
      origin: this.path(`${at}.origin`, module.origin),
      entry,
      package: isPackage,
      sourceHash,
    }
  }

  regex(at: string, value: unknown): TraceRegex {
    const { bytes, flags, pattern } = this.object(at, value)
    if (typeof bytes !== 'boolean') throw this.wrong(`${at}.bytes: not true or false`)
    if (typeof pattern !== 'string') throw this.wrong(`${at}.pattern: not a text`)
    return { bytes, flags: this.flags(`${at}.flags`, flags), pattern }
  }

  source(at: string, value: unknown): TraceSource {
    const { mode, flags, filename, text } = this.object(at, value)
    if (mode !== 'exec' && mode !== 'eval' && mode !== 'single') throw this.wrong(`${at}.mode: not a mode`)
    if (typeof text !== 'string' || typeof filename !== 'string') throw this.wrong(`${at}: not a source`)
    return { mode, flags: this.flags(`${at}.flags`, flags), filename, text }
  }

  flags(at: string, value: unknown): number {
    if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0) return value
    throw this.wrong(`${at}: not a number`)
  }

  object(at: string, value: unknown): Record<string, unknown> {
    if (typeof value === 'object' && value !== null && !Array.isArray(value))
      return value as Record<string, unknown>
    throw this.wrong(`${at === '' ? 'it' : at} is not an object`)
  }

  text(at: string, value: unknown): string {
    if (typeof value === 'string' && value !== '' && !value.includes('\0')) return value
    throw this.wrong(`${at}: not a text`)
  }

  path(at: string, value: unknown): string {
    const path = this.text(at, value)
    if (!path.startsWith('/') || path.split('/').includes('..'))
      throw this.wrong(`${at}: not an absolute path`)
    return path
  }

  list<T>(at: string, value: unknown, read: (at: string, value: unknown) => T): T[] {
    if (!Array.isArray(value) || value.length > MAX_MODULES) throw this.wrong(`${at}: not a list`)
    return value.map((item, index) => read(`${at}[${index}]`, item))
  }
}
