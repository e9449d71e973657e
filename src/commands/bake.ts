// SPDX-License-Identifier: Apache-2.0
import { Args, Flags } from '@oclif/core'
import type { BakeResult } from '../bake/result.js'
import type { Trace } from '../train/index.js'
import { BaseCommand } from './base-command.js'
import { bakeFlags, locationFlags, progressFlags, surroundingsFlags, trainingFlags } from './flags.js'
import { gateFlags } from './gates.js'
import { learnFlags } from './learn.js'
import { toPortsRequest } from './locations.js'
import { outputFileFlags, writeOutputFiles } from './output-files.js'
import { renderBake } from './render/bake.js'
import { toBakeRequest } from './requests.js'

export default class Bake extends BaseCommand {
  static override readonly summary = 'bake a finished image into a new one that starts faster'
  static override readonly description =
    "Runs the image's entrypoint (or COMMAND) under import tracing inside the image, without a network, and adds " +
    'one layer with an archive of the code that it really imported. The source image is not touched.'
  static override readonly usage = 'bake IMAGE [-t NAME] [FLAGS] [-- COMMAND...]'
  static override readonly examples = [
    '<%= config.bin %> bake myapp:latest',
    '<%= config.bin %> bake myapp:latest -t myapp:fast --ready quiet:5s',
    '<%= config.bin %> bake mytool:2 --json -- mytool --version',
    '<%= config.bin %> bake oci:build/image:1.4 -o oci-archive:image.tar',
  ]
  static override readonly takesCommand = true
  static override readonly args = {
    image: Args.string({
      required: true,
      description:
        'name, digest or id of an image in the engine, or oci:DIR, oci-archive:FILE, docker-archive:FILE',
    }),
  }
  static override readonly flags = {
    tag: Flags.string({
      char: 't',
      summary: 'name of the new image; default: the old one with -cds behind its tag',
      helpValue: 'NAME',
    }),
    ...locationFlags,
    output: Flags.string({
      char: 'o',
      summary:
        'where the new image goes, as oci:DIR[:TAG], oci-archive:FILE or docker-archive:FILE, or a name in the engine',
      helpValue: 'LOCATION',
    }),
    ...trainingFlags,
    ...learnFlags,
    ...bakeFlags,
    ...surroundingsFlags,
    ...gateFlags,
    ...outputFileFlags,
    pyc: Flags.option({
      options: ['auto', 'off', 'all'] as const,
      default: 'auto' as const,
      summary:
        'add missing .pyc files for modules outside the archive: of packages without any, never, or of every package that was touched',
    })(),
    measure: Flags.string({
      default: '5',
      summary: 'timed starts of the old and the new image, in turns; 0 for none',
      helpValue: 'N',
    }),
    'dry-run': Flags.boolean({ summary: 'show what would be done; nothing is written' }),
    ...progressFlags,
  }

  async run(): Promise<BakeResult> {
    const { flags, args, command } = await this.parseLine(Bake)
    const request = toBakeRequest(args.image, flags, command)
    const { bake } = await import('../bake/bake.js')
    let trace: Trace | undefined
    const onTrace = (learned: Trace) => {
      trace = learned
    }
    const result = await this.withPorts(
      (ports) => this.withProgress(flags, (progress) => bake(request, { ...ports, progress, onTrace })),
      toPortsRequest(args.image, flags),
    )
    writeOutputFiles(flags, result, trace)
    this.log(renderBake(result, this.style))
    return result
  }
}
