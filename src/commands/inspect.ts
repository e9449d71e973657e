// SPDX-License-Identifier: Apache-2.0
import { statSync } from 'node:fs'
import { Args, Flags } from '@oclif/core'
import type { InspectResult } from '../usecases/inspect.js'
import type { InspectDirectoryResult } from '../usecases/learned-directory.js'
import { isReadable } from '../util/form-on-disk.js'
import { BaseCommand } from './cli/base-command.js'
import { locationFlags } from './cli/flags.js'
import { toPortsRequest } from './cli/locations.js'
import { openArchiver } from './cli/ports.js'
import { renderInspect } from './render/inspect.js'
import { renderInspectDirectory } from './render/inspect-directory.js'

export default class Inspect extends BaseCommand {
  static override readonly summary = 'show what an image or archive holds, and what was left out and why'
  static override readonly usage = 'inspect IMAGE|ARCHIVE|DIR [--map]'
  static override readonly examples = [
    '<%= config.bin %> inspect myapp:latest-cds',
    '<%= config.bin %> inspect --map ./app.cds',
    '<%= config.bin %> inspect /var/cache/pycds',
  ]
  static override readonly args = {
    image: Args.string({
      required: true,
      description: 'baked image, an archive file, or a directory in which containers learn',
    }),
  }
  static override readonly flags = {
    map: Flags.boolean({ summary: 'print the whole archive as text, in a stable order' }),
    ...locationFlags,
  }

  async run(): Promise<InspectResult | InspectDirectoryResult> {
    const { flags, args } = await this.parseLine(Inspect)
    // A name alone is that of an image, whatever lies here.
    const found = statSync(args.image, { throwIfNoEntry: false })
    if (/^\.|\//.test(args.image) && found?.isDirectory()) {
      const { inspectDirectory } = await import('../usecases/learned-directory.js')
      const result = inspectDirectory(args.image)
      this.log(renderInspectDirectory(result, this.style))
      return result
    }
    const { inspectFile, inspectImage } = await import('../usecases/inspect.js')
    const request = { subject: args.image, map: flags.map }
    // A file needs no engine, whose client takes as long to load as all the rest.
    const result = isReadable(args.image)
      ? await inspectFile(request, { archiver: await openArchiver() })
      : await this.withPorts((ports) => inspectImage(request, ports), toPortsRequest(args.image, flags))
    this.log(result.map ?? renderInspect(result, this.style))
    return result
  }
}
