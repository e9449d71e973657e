// SPDX-License-Identifier: Apache-2.0
import { Args } from '@oclif/core'
import type { TraceDiff as Diff } from '../learn/trace/traces.js'
import { BaseCommand } from './cli/base-command.js'
import { GivenFiles } from './cli/given-files.js'
import { readTrace } from './cli/learn-flags.js'
import { renderDiff } from './render/trace.js'

export default class TraceDiff extends BaseCommand {
  static override readonly summary = 'compare two traces by their modules'
  static override readonly usage = 'trace diff FILE FILE'
  static override readonly examples = ['<%= config.bin %> trace diff before.json after.json']
  static override readonly args = {
    from: Args.string({ required: true, description: 'the earlier trace' }),
    to: Args.string({ required: true, description: 'the later trace' }),
  }

  async run(): Promise<Diff> {
    const { args } = await this.parseLine(TraceDiff)
    const { diffTraces } = await import('../learn/trace/traces.js')
    const files = new GivenFiles()
    const diff = diffTraces(await readTrace(args.from, files), await readTrace(args.to, files))
    this.log(renderDiff(diff))
    return diff
  }
}
