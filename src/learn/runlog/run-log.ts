// SPDX-License-Identifier: Apache-2.0
// Reads what native/trace/tracer.py wrote in the processes of a training run.
import type { CompiledRegex, CompiledSource, ModuleCode } from '../../ports/index.js'
import { decodeRecords, type FieldsOf, type RecordOf } from './codec.js'
import { regexOf, sourceOf } from './compiled.js'
import { RUN_LOG } from './records.js'

/** What is known of the CPython that a process ran. */
export interface RunLogPython {
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
export interface RunLogProcess {
  pid: number
  parent: number
  argv: string[]
  python: RunLogPython
  noSite: boolean
  isolated: boolean
  noDebugRanges: boolean
  /** What it was started with of the variables that an interpreter obeys, as `NAME=value`. */
  variables: string[]
  prefix: string | null
  /**
   * Existing site directories, in the order in which `site` reads them, or the first one where none exists; null when the
   * process never got there.
   */
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
  /** Of modules that were executed, what each had then, as `ATTRIBUTE KIND`: native/snapshot/warm/kinds.py. */
  held: { name: string; kinds: string[] }[]
}

/**
 * Reads the run log of one process; undefined when not even its first records are whole.
 * @param name of the file, for errors
 * @throws TRAINING_FAILED when a tracer of another version wrote it.
 */
export function parseRunLog(name: string, bytes: Buffer): RunLogProcess | undefined {
  let process: RunLogProcess | undefined
  for (const record of decodeRecords(RUN_LOG, name, bytes)) {
    if (record.kind !== 'process') {
      if (process) apply(process, record)
    } else if (process === undefined) process = processOf(record.fields)
    else break // a log is of one process
  }
  return process
}

function processOf(fields: FieldsOf<typeof RUN_LOG.process>): RunLogProcess {
  const { pid, parent, argv, noSite, isolated, noDebugRanges, variables, ...python } = fields
  return {
    pid,
    parent,
    argv,
    python: { ...python, launcher: python.launcher || python.executable },
    noSite,
    isolated,
    noDebugRanges,
    variables,
    prefix: null,
    siteDirectories: null,
    earlier: [],
    modules: [],
    regexes: [],
    sources: [],
    extensions: [],
    leftOut: [],
    held: [],
  }
}

function apply(process: RunLogProcess, record: RecordOf<typeof RUN_LOG>): void {
  switch (record.kind) {
    case 'started':
      process.prefix = record.fields.prefix
      process.siteDirectories = record.fields.siteDirectories
      break
    case 'earlier':
      process.earlier = record.fields.modules
      break
    case 'module':
      process.modules.push(record.fields)
      break
    case 'left_out': {
      const { name, reason } = record.fields
      process.leftOut.push({ name, reason })
      break
    }
    case 'extension': {
      const { name, path, libraries } = record.fields
      process.extensions.push({ name, path })
      process.libraries = [...(process.libraries ?? []), ...libraries]
      break
    }
    case 'holds':
      process.held.push(record.fields)
      break
    case 'regex':
      process.regexes.push(regexOf(record.fields))
      break
    case 'source': {
      const source = sourceOf(record.fields)
      if (source) process.sources.push(source)
    }
  }
}
