// SPDX-License-Identifier: Apache-2.0
// A directory in which containers have learned: what each kind of start has left there.
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join, posix } from 'node:path'
import { PycdsError } from '../errors/index.js'
import {
  LEARNED_ARCHIVE,
  LEARNED_KEPT,
  LEARNED_OF_USER,
  LEARNED_RECORDS,
  LEARNED_TRIES,
} from '../marks/places.js'
import { parseRunLog, type RunLogProcess } from './runlog/run-log.js'
import { groupByPython } from './select/interpreter.js'
import { selectModules } from './select/modules.js'
import type { Trace } from './trace/trace-file.js'
import { toTrace } from './trace/traces.js'

/** Where learning in containers is told of. */
const LEARNING = 'docs/learning.md'
/** The key of a kind, in front of what a name ends with. */
const KEY = /^[0-9a-f]{16}$/
const NUMBER = /^\d+$/
/** Records are of 32 MiB at most. */
const MAX_BYTES = 64 * 1024 * 1024

/** One kind of start. */
export interface LearnedStart {
  key: string
  /** The file of records, and the archive beside it. */
  file: string
  archive: string
  /** User id that both belong to. */
  owner: number
  /** When it was learned. */
  time: Date
  process: RunLogProcess
}

/**
 * Reads a directory, and those of users in it; the latest first.
 * @throws TRACE_INVALID when there is nothing in it
 */
export function readLearned(directory: string): LearnedStart[] {
  const ofUsers = list(directory).filter(isOfUser)
  const places = [directory, ...ofUsers.map((name) => join(directory, name))]
  const all = places.flatMap(readOne).sort((a, b) => b.time.getTime() - a.time.getTime())
  if (all.length > 0) return all
  const names = places.flatMap(list)
  if (names.some((name) => name.endsWith(LEARNED_KEPT) && KEY.test(name.slice(0, -LEARNED_KEPT.length)))) {
    const begun = names.some((name) => name.endsWith(LEARNED_TRIES))
    throw new PycdsError('TRACE_INVALID', {
      page: LEARNING,
      message: `directory ${directory}: a start has left records there, of which there is no archive yet${begun ? ', though one was begun' : ''}`,
      hint: 'Start the program once more, with PYCDS_LEARN_WAIT=5s if it ends at once.',
    })
  }
  throw new PycdsError('TRACE_INVALID', {
    page: LEARNING,
    message: `directory ${directory}: nothing was learned there`,
    hint: 'Name the directory of PYCDS_LEARN, or a copy of it, as somebody who may read it; PYCDS=report tells in a start what it learns.',
  })
}

function readOne(directory: string): LearnedStart[] {
  return list(directory).flatMap((name) => {
    const key = name.slice(0, -LEARNED_RECORDS.length)
    const file = join(directory, name)
    if (!name.endsWith(LEARNED_RECORDS) || !KEY.test(key)) return []
    try {
      const found = statSync(file)
      const { uid, mtime, size } = found
      // A pipe of that name would be waited for.
      const process = found.isFile() && size <= MAX_BYTES ? parseRunLog(file, readFileSync(file)) : undefined
      return process
        ? [
            {
              key,
              file,
              archive: join(directory, `${key}${LEARNED_ARCHIVE}`),
              owner: uid,
              time: mtime,
              process,
            },
          ]
        : []
    } catch {
      return [] // it has gone meanwhile, is another user's, or of another version: as if it had not been learned
    }
  })
}

/** What the runtime makes for each user in a directory that others may write to. */
function isOfUser(name: string): boolean {
  return name.startsWith(LEARNED_OF_USER) && NUMBER.test(name.slice(LEARNED_OF_USER.length))
}

function list(directory: string): string[] {
  try {
    return readdirSync(directory).sort()
  } catch (cause) {
    throw new PycdsError('TRACE_INVALID', {
      page: LEARNING,
      message: `directory ${directory}: it cannot be read`,
      hint: 'Name the directory of PYCDS_LEARN, or a copy of it.',
      cause,
    })
  }
}

/** As programs are started by hand, `..` is in paths that follow from that of the interpreter. */
function withPlainPaths(trace: Trace): Trace {
  const { python, modules, siteDirectories, files } = trace
  const { executable, library } = python
  return {
    ...trace,
    python: {
      ...python,
      executable: posix.normalize(executable),
      ...(library === undefined ? {} : { library: posix.normalize(library) }),
    },
    siteDirectories: siteDirectories.map((path) => posix.normalize(path)),
    modules: modules.map((module) => ({ ...module, origin: posix.normalize(module.origin) })),
    files: files.map((path) => posix.normalize(path)),
  }
}

/**
 * A trace of all that was learned by one interpreter: the one whose starts imported most.
 * @returns others: kinds that are not in it, since another interpreter learned them
 */
export function traceOf(learned: readonly LearnedStart[]): { trace: Trace; others: number } {
  const [group] = groupByPython(learned.map(({ process }) => process))
  if (!group) throw new Error('nothing to make a trace of')
  const selection = selectModules(group, new Set())
  const known = (hash: Buffer) => hash.some((byte) => byte !== 0)
  const modules = selection.modules.filter(({ sourceHash }) => known(sourceHash))
  const trace = withPlainPaths(toTrace({ id: '', platform: '' }, group, { ...selection, modules }))
  return { trace: { ...trace, images: [] }, others: learned.length - group.processes.length }
}
