// SPDX-License-Identifier: Apache-2.0
import { Args, Flags } from '@oclif/core'
import { formatTrace } from '../learn/trace/trace-file.js'
import type { ImportResult } from '../usecases/learned-directory.js'
import { BaseCommand } from './cli/base-command.js'
import { writeOutput } from './cli/output-files.js'
import { renderImport } from './render/trace.js'

export default class TraceImport extends BaseCommand {
  static override readonly summary = 'make a trace of what containers have learned'
  static override readonly description =
    'Unites what all kinds of starts have left in a directory of PYCDS_LEARN, or in a copy of it, so that production ' +
    'is the training of the next bake: bake --train none --trace-in FILE.'
  static override readonly usage = 'trace import DIR -o FILE'
  static override readonly examples = ['<%= config.bin %> trace import /var/cache/pycds -o learned.json']
  static override readonly args = {
    directory: Args.string({ required: true, description: 'in which containers have learned' }),
  }
  static override readonly flags = {
    output: Flags.string({ char: 'o', summary: 'file for the trace; default: stdout', helpValue: 'FILE' }),
  }

  async run(): Promise<ImportResult> {
    const { flags, args } = await this.parseLine(TraceImport)
    const { importTrace } = await import('../usecases/learned-directory.js')
    const { trace, result: found, others } = importTrace(args.directory)
    const { output = null } = flags
    const text = formatTrace(trace)
    if (others > 0) this.logToStderr(`Left out: ${others} kinds of starts of another interpreter`)
    if (output !== null) await writeOutput('--output', output, text)
    const result = { ...found, output }
    this.log(output === null ? text.trimEnd() : renderImport(result, this.style))
    return result
  }
}
