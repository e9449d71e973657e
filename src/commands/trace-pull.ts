// SPDX-License-Identifier: Apache-2.0
import { Args, Flags } from '@oclif/core'
import { formatTrace } from '../learn/trace/trace-file.js'
import type { TracePullResult } from '../usecases/trace-artifact.js'
import { BaseCommand } from './cli/base-command.js'
import { assertInRegistry } from './cli/locations.js'
import { assertWritable, writeOutput } from './cli/output-files.js'
import { renderTracePull } from './render/trace.js'

export default class TracePull extends BaseCommand {
  static override readonly summary = 'read the traces that a registry has beside an image'
  static override readonly description = 'Several are united into one, as by trace merge.'
  static override readonly usage = 'trace pull IMAGE [-o FILE]'
  static override readonly examples = [
    '<%= config.bin %> trace pull registry:registry.example/team/api:1.4 -o trace.json',
  ]
  static override readonly args = {
    image: Args.string({ required: true, description: 'image in a registry, as registry:HOST/REPO[:TAG]' }),
  }
  static override readonly flags = {
    output: Flags.string({ char: 'o', summary: 'file for the trace; default: stdout', helpValue: 'FILE' }),
  }

  async run(): Promise<TracePullResult> {
    const { args, flags } = await this.parseLine(TracePull)
    const { output = null } = flags
    assertInRegistry('trace pull', args.image)
    if (output !== null) assertWritable('--output', output)
    const { pullTrace } = await import('../usecases/trace-artifact.js')
    const { trace, result } = await this.withAttachments((attachments) => pullTrace(args.image, attachments))
    const text = formatTrace(trace)
    if (output !== null) await writeOutput('--output', output, text)
    this.log(output === null ? text.trimEnd() : renderTracePull({ ...result, output }, this.style))
    return { ...result, output }
  }
}
