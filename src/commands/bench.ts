// SPDX-License-Identifier: Apache-2.0
import { Args, Flags } from '@oclif/core'
import { EXIT_CODES } from '../errors/index.js'
import type { BenchResult } from '../usecases/bench/result.js'
import { BaseCommand } from './cli/base-command.js'
import { locationFlags, progressFlags, surroundingsFlags, trainingFlags } from './cli/flags.js'
import { toPortsRequest } from './cli/locations.js'
import { toBenchRequest } from './cli/requests.js'
import { renderBench } from './render/bench.js'

export default class Bench extends BaseCommand {
  static override readonly summary = 'measure the start of an image before and after, warm and cold'
  static override readonly description =
    'Starts a baked image and the image it was baked from in turns: as shipped, where that lacks bytecode also with ' +
    'all of it, and where the bake has a process snapshot also without that. Times the imports, until it listens, and ' +
    'the whole process; beside a snapshot nobody sees when it listens. An image that was not baked is compared with a ' +
    'bake that is removed again. Cold starts need root and an engine on this machine. Ends with 5 when --min-speedup ' +
    'is not reached.'
  static override readonly usage = 'bench IMAGE [BASELINE] [FLAGS] [-- COMMAND...]'
  static override readonly examples = [
    '<%= config.bin %> bench myapp:latest-cds',
    '<%= config.bin %> bench myapp:latest-cds myapp:latest --runs 21 --min-speedup 1.3',
    '<%= config.bin %> bench mytool:2 -- mytool --version',
    '<%= config.bin %> bench oci:build/image:1.4-cds oci:build/image:1.4',
  ]
  static override readonly takesCommand = true
  static override readonly args = {
    image: Args.string({ required: true, description: 'a baked image, or one to be baked for this' }),
    baseline: Args.string({ description: 'what to compare with; default: what it was baked from' }),
  }
  static override readonly flags = {
    runs: Flags.string({
      default: '11',
      summary: 'starts of each image, warm and again cold',
      helpValue: 'N',
    }),
    'min-speedup': Flags.string({
      summary: 'factor that warm starts must reach against the image as shipped',
      helpValue: 'N',
    }),
    ...locationFlags,
    ...trainingFlags,
    ...surroundingsFlags,
    ...progressFlags,
  }

  async run(): Promise<BenchResult> {
    const { flags, args, command } = await this.parseLine(Bench)
    const request = await toBenchRequest(args.image, args.baseline, flags, command)
    const [{ bench }, { MachinePageCache }] = await Promise.all([
      import('../usecases/bench/bench.js'),
      import('../measure/page-cache.js'),
    ])
    const pageCache = new MachinePageCache()
    const result = await this.withShownPorts(flags, (ports) => bench(request, { ...ports, pageCache }), {
      ...toPortsRequest(args.image, flags),
      ...(args.baseline ? { baseline: args.baseline } : {}),
    })
    this.log(renderBench(result, this.style))
    // Not an error: the result is what was asked for, and a program finds it on stdout.
    if (result.gate && !result.gate.ok) process.exitCode = EXIT_CODES.GATE_FAILED
    return result
  }
}
