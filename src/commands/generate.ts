// SPDX-License-Identifier: Apache-2.0
import { Args, Flags } from '@oclif/core'
import type { GenerateResult } from '../usecases/generate/generate.js'
import { publishedImage } from '../util/published-images.js'
import { BaseCommand } from './cli/base-command.js'
import { toRegistryRequest } from './cli/locations.js'
import { snapshotFlags, toSnapshot } from './cli/snapshot-flags.js'

export default class Generate extends BaseCommand {
  static override readonly summary =
    'print a Dockerfile that bakes an image, or another Dockerfile, as it builds'
  static override readonly description =
    'For an image: a Dockerfile on top of it. For a Dockerfile: the same with the instructions that bake its last ' +
    'stage. Both use the published tool image, from the registry that PYCDS_REGISTRY names where that is set.'
  static override readonly usage = 'generate IMAGE|DOCKERFILE [FLAGS] [-- COMMAND...]'
  static override readonly examples = [
    '<%= config.bin %> generate myapp:latest | docker build -t myapp:latest-cds -',
    '<%= config.bin %> generate ./Dockerfile | docker build -t myapp:latest-cds -f - .',
    '<%= config.bin %> generate myapp:latest --snapshot',
  ]
  static override readonly takesCommand = true
  static override readonly args = {
    image: Args.string({ required: true, description: 'image in the engine or a registry, or a Dockerfile' }),
  }
  static override readonly flags = {
    builder: Flags.option({
      options: ['buildkit', 'classic'] as const,
      default: 'buildkit' as const,
      summary: 'mount the tool, or copy it into a stage of its own',
    })(),
    tool: Flags.string({
      summary: 'reference of the tool image; default: the published one',
      helpValue: 'NAME',
    }),
    ...snapshotFlags,
  }

  async run(): Promise<GenerateResult> {
    const { flags, args, command } = await this.parseLine(Generate)
    const { generate } = await import('../usecases/generate/generate.js')
    const { builder, tool = publishedImage('tool', process.env.PYCDS_REGISTRY) } = flags
    const request = {
      ...{ subject: args.image, builder, tool },
      ...toSnapshot(flags, 'entrypoint'),
      ...(command && { command }),
    }
    const result = await this.withPorts((ports) => generate(request, ports), toRegistryRequest(args.image))
    this.log(result.dockerfile.trimEnd())
    return result
  }
}
