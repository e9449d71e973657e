// SPDX-License-Identifier: Apache-2.0
// Reads what native/trace/tracer.py wrote in the processes of a training run. The record
// format is described at the top of that file.
import type { CompiledRegex, CompiledSource, ModuleCode } from '../../ports/index.js'
import { parseRegex, parseSource } from './compiled.js'

/** What is known of the CPython that a process ran. */
export interface TracedPython {
  /** The file that was executed, links resolved. */
  executable: string
  /** As it was started: in a virtual environment, a link whose place matters. */
  launcher: string
  version: string
  hexversion: number
  implementation: string
  cacheTag: string
  /** The file that holds the interpreter: libpython, or the executable itself. */
  library: string
  /** Hexadecimal, as the tracer read it from memory. */
  identity: string
  magic: Buffer
  debug: boolean
  freeThreaded: boolean
  optimize: number
}

/** One CPython process of a training run. */
export interface TracedProcess {
  pid: number
  parent: number
  argv: string[]
  python: TracedPython
  noSite: boolean
  isolated: boolean
  noDebugRanges: boolean
  prefix: string | null
  /** Existing site directories, in the order in which `site` reads them; null when the process never got there. */
  siteDirectories: string[] | null
  /** Imported before tracing could begin. */
  earlier: string[]
  modules: ModuleCode[]
  regexes: CompiledRegex[]
  sources: CompiledSource[]
  extensions: { name: string; path: string }[]
  /** Files that extension modules brought into memory beside themselves, in that order. */
  libraries?: string[]
  leftOut: { name: string; reason: string }[]
}

/** Parses the trace file of one process; undefined when not even its first record is whole. */
export function parseTrace(bytes: Buffer): TracedProcess | undefined {
  let process: TracedProcess | undefined
  for (const { kind, fields } of records(bytes)) {
    if (kind === 'P') process = parseProcess(fields)
    else if (process) apply(process, kind, fields)
  }
  return process
}

function* records(bytes: Buffer): Generator<{ kind: string; fields: Buffer[] }> {
  let at = 0
  while (at < bytes.length) {
    const end = bytes.indexOf(0x0a, at)
    if (end < 0) return
    const [kind = '', ...lengths] = bytes.toString('latin1', at, end).split(' ')
    const fields: Buffer[] = []
    at = end + 1
    for (const text of lengths) {
      const length = Number(text)
      // A process killed while it wrote leaves a last record that is cut off.
      if (!Number.isSafeInteger(length) || length < 0 || at + length > bytes.length) return
      fields.push(bytes.subarray(at, at + length))
      at += length
    }
    yield { kind, fields }
  }
}

function parseProcess(fields: Buffer[]): TracedProcess | undefined {
  if (fields.length < 19) return undefined
  const text = (index: number) => fields[index]?.toString() ?? ''
  const number = (index: number) => Number(text(index))
  return {
    pid: number(0),
    parent: number(1),
    argv: list(fields[4]),
    python: {
      executable: text(3),
      launcher: text(2) || text(3),
      hexversion: number(5),
      version: text(6),
      implementation: text(7),
      cacheTag: text(8),
      library: text(9),
      identity: text(10),
      magic: fields[11] ?? Buffer.alloc(0),
      debug: number(12) !== 0,
      freeThreaded: number(13) !== 0,
      optimize: number(14),
    },
    noSite: number(15) !== 0,
    isolated: number(16) !== 0,
    noDebugRanges: number(18) !== 0,
    prefix: null,
    siteDirectories: null,
    earlier: [],
    modules: [],
    regexes: [],
    sources: [],
    extensions: [],
    leftOut: [],
  }
}

function apply(process: TracedProcess, kind: string, fields: Buffer[]): void {
  const text = (index: number) => fields[index]?.toString() ?? ''
  if (kind === 'S') {
    process.prefix = text(0)
    process.siteDirectories = list(fields[1])
  } else if (kind === 'B') {
    process.earlier = list(fields[0])
  } else if (kind === 'X') {
    process.extensions.push({ name: text(0), path: text(1) })
    process.libraries = [...(process.libraries ?? []), ...list(fields[2])]
  } else if (kind === 'L') {
    process.leftOut.push({ name: text(0), reason: text(2) })
  } else if (kind === 'R') {
    process.regexes.push(...some(parseRegex(fields)))
  } else if (kind === 'C' || kind === 'N') {
    process.sources.push(...some(parseSource(fields, kind === 'N')))
  } else if (kind === 'M') {
    const [, , , , , , , sourceHash, marshal, seeds] = fields
    if (!sourceHash || !marshal || !seeds) return
    process.modules.push({
      name: text(0),
      origin: text(1),
      cached: text(2),
      entry: text(3),
      isPackage: text(4) === '1',
      mtime: Number(text(5)),
      size: Number(text(6)),
      sourceHash,
      marshal,
      seeds,
    })
  }
}

function some<T>(value: T | undefined): T[] {
  return value === undefined ? [] : [value]
}

function list(field: Buffer | undefined): string[] {
  return field && field.length > 0 ? field.toString().split('\0') : []
}
