// SPDX-License-Identifier: Apache-2.0
import { Args } from '@oclif/core'
import type { TracePushResult } from '../usecases/trace-artifact.js'
import { BaseCommand } from './cli/base-command.js'
import { GivenFiles } from './cli/given-files.js'
import { readTrace } from './cli/learn-flags.js'
import { assertInRegistry } from './cli/locations.js'
import { renderTracePush } from './render/trace.js'

export default class TracePush extends BaseCommand {
  static override readonly summary = 'put a trace into a registry, beside the image that it is of'
  static override readonly description =
    'The trace becomes an OCI artifact with the image as its subject. The image itself stays as it is.'
  static override readonly usage = 'trace push FILE IMAGE'
  static override readonly examples = [
    '<%= config.bin %> trace push trace.json registry:registry.example/team/api:1.4',
  ]
  static override readonly args = {
    file: Args.string({ required: true, description: 'a trace' }),
    image: Args.string({ required: true, description: 'image in a registry, as registry:HOST/REPO[:TAG]' }),
  }

  async run(): Promise<TracePushResult> {
    const { args } = await this.parseLine(TracePush)
    assertInRegistry('trace push', args.image)
    const trace = await readTrace(args.file, new GivenFiles())
    const { pushTrace } = await import('../usecases/trace-artifact.js')
    const result = await this.withLookups(
      async ({ attachments, ...lookups }) => {
        if (attachments === undefined) throw new Error(`${args.image} is in no registry`)
        return await pushTrace({ ...args, trace }, { ...lookups, attachments })
      },
      { reference: args.image },
    )
    for (const warning of result.warnings) this.logToStderr(`warning: ${warning}`)
    this.log(renderTracePush(result, this.style))
    return result
  }
}
