// SPDX-License-Identifier: Apache-2.0
import { Args, Flags } from '@oclif/core'
import { EXIT_CODES } from '../errors/index.js'
import type { VerifyResult } from '../usecases/verify.js'
import { BaseCommand } from './cli/base-command.js'
import { locationFlags, probeFlag, progressFlags, surroundingsFlags, trainingFlags } from './cli/flags.js'
import { toPortsRequest } from './cli/locations.js'
import { toVerifyRequest } from './cli/requests.js'
import { renderVerify } from './render/verify.js'

export default class Verify extends BaseCommand {
  static override readonly summary = 'check that containers of a baked image really load the archive'
  static override readonly description =
    'Starts the image as it is, and again as another user, read-only and without capabilities, and counts the modules ' +
    'that come from the archive. The same starts without the archive, of the image that it was baked from where that ' +
    'is here, must end in the same way. Ends with 5 when the application crashes, when a start ends in another way, ' +
    'does not use the archive or misses --min-hit-rate.'
  static override readonly usage = 'verify IMAGE [FLAGS] [-- COMMAND...]'
  static override readonly examples = ['<%= config.bin %> verify myapp:latest-cds --min-hit-rate 95']
  static override readonly takesCommand = true
  static override readonly args = {
    image: Args.string({ required: true, description: 'name, digest or id of a baked image' }),
  }
  static override readonly flags = {
    'min-hit-rate': Flags.string({
      summary:
        'percentage of the imported modules that must come from the archive in every start; default: 1',
      helpValue: 'P',
    }),
    user: Flags.string({ summary: 'the other user of the second start; default: 12345', helpValue: 'UID' }),
    ...locationFlags,
    ...trainingFlags,
    ...probeFlag,
    ...surroundingsFlags,
    ...progressFlags,
  }

  async run(): Promise<VerifyResult> {
    const { flags, args, command } = await this.parseLine(Verify)
    const request = await toVerifyRequest(args.image, flags, command)
    const { verify } = await import('../usecases/verify.js')
    const result = await this.withShownPorts(
      flags,
      (ports) => verify(request, ports),
      toPortsRequest(args.image, flags),
    )
    this.log(renderVerify(result, this.style))
    // Not an error: the result is what was asked for, and a program finds it on stdout.
    if (!result.ok) process.exitCode = EXIT_CODES.VERIFY_FAILED
    return result
  }
}
