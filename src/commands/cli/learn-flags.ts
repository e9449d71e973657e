// SPDX-License-Identifier: Apache-2.0
// What a bake learns from, as it is written on a command line: a run, module names, or traces.
import { Flags } from '@oclif/core'
import { PycdsError } from '../../errors/index.js'
import type { LearnRequest } from '../../learn/learn.js'
import type { Trace } from '../../learn/trace/trace-file.js'
import { parseTraceFile } from '../../learn/trace/trace-reader.js'
import { UnreadableError, whyUnreadable } from '../../util/read-given.js'
import { LEARN, LIST } from './flags.js'
import { GivenFiles } from './given-files.js'

/** What a training run can be. */
export const TRAINING = ['entrypoint', 'imports', 'none'] as const
/** The same, or that there is none in the build. */
export const TRAINING_OR_LATER = [...TRAINING, LEARN] as const

export const learnFlags = {
  train: Flags.option({
    options: TRAINING,
    default: 'entrypoint' as const,
    summary:
      "run the image's command, import the modules of --import and nothing else, or only use --trace-in",
  })(),
  import: Flags.string({
    ...LIST,
    summary: 'for --train imports: a module, or an attribute of one, to import; repeatable',
    helpValue: 'MODULE[:ATTRIBUTE]',
  }),
  'trace-in': Flags.string({
    ...LIST,
    summary: 'a trace that was recorded before, added to what this training sees; repeatable',
    helpValue: 'FILE',
  }),
}

/** A file of more than this is no trace, whatever it holds. */
const MAX_TRACE_BYTES = 256 * 1024 * 1024
const MODULE = /^[^\s:.]+(\.[^\s:.]+)*(:[^\s:.]+(\.[^\s:.]+)*)?$/

export interface LearnFlags {
  train: (typeof TRAINING_OR_LATER)[number]
  import?: string[] | undefined
  'trace-in'?: string[] | undefined
  ready?: string[] | undefined
  probe?: string[] | undefined
}

/** Throws USAGE for flags that contradict each other, TRACE_INVALID for a trace that is none. */
export async function toLearn(
  flags: LearnFlags,
  command: readonly string[] | undefined,
  given: GivenFiles = new GivenFiles(),
): Promise<Pick<LearnRequest, 'mode' | 'imports' | 'traces'>> {
  const imports = flags.import ?? []
  const files = flags['trace-in'] ?? []
  if (flags.train === LEARN) {
    const reason = 'there is no training run that could be planned, or baked with the images of a file'
    throw conflict('--train learn', reason, 'Prepare the images one by one: pycds-image prepare IMAGE.')
  }
  if (flags.train === 'entrypoint') {
    if (imports.length > 0) throw conflict('--import', 'it needs --train imports', 'Add --train imports.')
  } else {
    const mode = `--train ${flags.train}`
    const given = { 'a command behind --': command, '--ready': flags.ready, '--probe': flags.probe }
    for (const [what, value] of Object.entries(given)) {
      if (value !== undefined)
        throw conflict(mode, `it does not run the application, and ${what} does`, 'Leave one of them out.')
    }
  }
  if (flags.train === 'imports' && imports.length === 0) {
    throw conflict(
      '--train imports',
      'no module was named',
      'Name the modules of the application: --import app.main.',
    )
  }
  if (flags.train === 'none' && (files.length === 0 || imports.length > 0)) {
    throw conflict('--train none', 'it uses traces only', 'Give a trace: --trace-in FILE.')
  }
  const wrong = imports.find((name) => !MODULE.test(name))
  if (wrong !== undefined)
    throw conflict(`--import ${wrong}`, 'not a module', 'Write app.main or app.main:attribute.')
  return { mode: flags.train, imports, traces: await readTraces(files, given) }
}

/** Reads traces, one after the other; TRACE_INVALID. */
export async function readTraces(
  names: readonly string[],
  given: GivenFiles,
): Promise<LearnRequest['traces']> {
  const traces = []
  for (const name of names) traces.push({ name, trace: await readTrace(name, given) })
  return traces
}

/** Reads a trace from a file; TRACE_INVALID. */
export async function readTrace(name: string, given: GivenFiles): Promise<Trace> {
  let text: string
  try {
    const bytes = await given.read(name)
    if (bytes.length > MAX_TRACE_BYTES) throw new UnreadableError('it is too large')
    text = bytes.toString()
  } catch (cause) {
    throw new PycdsError('TRACE_INVALID', {
      message: `trace ${name}: ${whyUnreadable(cause)}`,
      hint: 'Name a file that pycds-image trace wrote.',
      cause,
    })
  }
  return parseTraceFile(name, text)
}

function conflict(what: string, reason: string, hint: string): PycdsError {
  return new PycdsError('USAGE', { message: `${what}: ${reason}`, hint })
}
