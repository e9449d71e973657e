// SPDX-License-Identifier: Apache-2.0
import { Args, Flags } from '@oclif/core'
import { formatTrace } from '../learn/trace/trace-file.js'
import type { MergeResult } from '../learn/trace/traces.js'
import { BaseCommand } from './cli/base-command.js'
import { GivenFiles } from './cli/given-files.js'
import { readTraces } from './cli/learn-flags.js'
import { writeOutput } from './cli/output-files.js'
import { renderMerge } from './render/trace.js'

export default class TraceMerge extends BaseCommand {
  static override readonly summary = 'unite traces of several runs into one'
  static override readonly description =
    'Modules keep the order of the first trace that names them. All traces must be of the same minor version of Python.'
  static override readonly usage = 'trace merge FILE FILE... -o FILE'
  static override readonly examples = ['<%= config.bin %> trace merge web.json jobs.json -o all.json']
  static override readonly strict = false
  static override readonly args = { file: Args.string({ required: true, description: 'a trace' }) }
  static override readonly flags = {
    output: Flags.string({ char: 'o', summary: 'file for the trace; default: stdout', helpValue: 'FILE' }),
  }

  async run(): Promise<MergeResult> {
    const { flags, words } = await this.parseLine(TraceMerge)
    const { mergeTraces } = await import('../learn/trace/traces.js')
    const traces = await readTraces(words, new GivenFiles())
    const merged = mergeTraces(traces)
    const text = formatTrace(merged)
    const { output = null } = flags
    if (output !== null) await writeOutput('--output', output, text)
    const result: MergeResult = {
      schema: 'io.pycds.trace-merge/1',
      from: traces.map(({ name, trace }) => ({ file: name, modules: trace.modules.length })),
      modules: merged.modules.length,
      output,
    }
    this.log(output === null ? text.trimEnd() : renderMerge(result, this.style))
    return result
  }
}
