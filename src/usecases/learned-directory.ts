// SPDX-License-Identifier: Apache-2.0
// What containers have learned, for the next bake and for people.
import { statSync } from 'node:fs'
import { PycdsError } from '../errors/index.js'
import { type LearnedStart, readLearned, traceOf } from '../learn/learned-starts.js'
import type { Trace } from '../learn/trace/trace-file.js'
import { isLayout } from '../util/form-on-disk.js'

/** What `trace import` prints. */
export interface ImportResult {
  schema: 'io.pycds.trace-import/1'
  directory: string
  /** Kinds of starts that the trace is of. */
  starts: number
  modules: number
  leftOut: number
  python: { version: string; executable: string }
  output: string | null
}

/** @throws TRACE_INVALID when nothing was learned there */
export function importTrace(directory: string): {
  trace: Trace
  result: Omit<ImportResult, 'output'>
  /** Kinds that another interpreter learned. */
  others: number
} {
  const learned = readLearned(directory)
  const { trace, others } = traceOf(learned)
  const { version, executable } = trace.python
  return {
    trace,
    others,
    result: {
      schema: 'io.pycds.trace-import/1',
      directory,
      starts: learned.length - others,
      modules: trace.modules.length,
      leftOut: trace.leftOut.length,
      python: { version, executable },
    },
  }
}

/** One kind of start, as `inspect DIR` tells it. */
export interface LearnedKind {
  key: string
  /** The interpreter and its program, without the arguments of that. */
  command: string[]
  prefix: string | null
  python: { version: string; executable: string; optimize: number }
  modules: number
  regexes: number
  sources: number
  /** User id. */
  owner: number
  /** ISO 8601. */
  learned: string
  /** Null: it is gone, and is learned anew. */
  archive: { path: string; bytes: number } | null
}

export interface InspectDirectoryResult {
  schema: 'io.pycds.inspect-directory/1'
  directory: string
  /** The latest first. */
  kinds: LearnedKind[]
}

/** @throws TRACE_INVALID when nothing was learned there, USAGE when it is an image */
export function inspectDirectory(directory: string): InspectDirectoryResult {
  if (isLayout(directory)) {
    throw new PycdsError('USAGE', {
      message: `directory ${directory}: it is an OCI layout, not one in which containers learn`,
      hint: `Write oci:${directory} for it.`,
    })
  }
  const kinds = readLearned(directory).map(describe)
  return { schema: 'io.pycds.inspect-directory/1', directory, kinds }
}

function describe({ key, owner, time, archive, process }: LearnedStart): LearnedKind {
  const { argv, prefix, python, modules, regexes, sources } = process
  const { version, executable, optimize } = python
  const found = statSync(archive, { throwIfNoEntry: false })
  return {
    key,
    command: argv,
    prefix,
    python: { version, executable, optimize },
    modules: modules.length,
    regexes: regexes.length,
    sources: sources.length,
    owner,
    learned: time.toISOString(),
    archive: found?.isFile() ? { path: archive, bytes: found.size } : null,
  }
}
