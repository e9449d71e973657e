// SPDX-License-Identifier: Apache-2.0
import { Args, Flags } from '@oclif/core'
import { formatTrace } from '../learn/trace/trace-file.js'
import type { RecordResult } from '../usecases/record.js'
import { BaseCommand } from './cli/base-command.js'
import { locationFlags, progressFlags, runFlags, surroundingsFlags, trainingFlags } from './cli/flags.js'
import { learnFlags } from './cli/learn-flags.js'
import { toPortsRequest } from './cli/locations.js'
import { assertWritable, writeOutput } from './cli/output-files.js'
import { toRecordRequest } from './cli/requests.js'
import { renderRecord } from './render/trace.js'

export default class Trace extends BaseCommand {
  static override readonly summary = 'record which modules an image imports, and make nothing else of it'
  static override readonly description =
    'Runs the image as bake does and writes a trace: names, paths and source hashes, no code, nothing of the run. ' +
    'bake --trace-in uses it, for this image, a later build of it, or one for another architecture.'
  static override readonly usage = [
    'trace IMAGE -o FILE [FLAGS] [-- COMMAND...]',
    'trace merge FILE... -o FILE',
    'trace diff FILE FILE',
    'trace push FILE IMAGE',
    'trace pull IMAGE [-o FILE]',
    'trace import DIR -o FILE',
  ]
  static override readonly examples = [
    '<%= config.bin %> trace myapp:latest -o trace.json --probe GET:8000/search',
    '<%= config.bin %> trace merge web.json jobs.json -o all.json',
    '<%= config.bin %> bake myapp:latest --train none --trace-in all.json',
  ]
  static override readonly takesCommand = true
  static override readonly args = {
    image: Args.string({ required: true, description: 'as for bake' }),
  }
  static override readonly flags = {
    output: Flags.string({ char: 'o', summary: 'file for the trace; default: stdout', helpValue: 'FILE' }),
    ...locationFlags,
    ...trainingFlags,
    ...learnFlags,
    ...runFlags,
    ...surroundingsFlags,
    ...progressFlags,
  }

  async run(): Promise<RecordResult> {
    const { flags, args, command } = await this.parseLine(Trace)
    const { output = null, ...rest } = flags
    const request = await toRecordRequest(args.image, flags, command)
    if (output !== null) assertWritable('--output', output)
    const { record } = await import('../usecases/record.js')
    const { trace, result } = await this.withShownPorts(
      flags,
      (ports) => record(request, ports),
      toPortsRequest(args.image, rest),
    )
    const text = formatTrace(trace)
    if (output !== null) await writeOutput('--output', output, text)
    this.log(output === null ? text.trimEnd() : renderRecord({ ...result, output }, this.style))
    return { ...result, output }
  }
}
