// SPDX-License-Identifier: Apache-2.0
import { Args } from '@oclif/core'
import { EXIT_CODES } from '../errors/index.js'
import type { DoctorResult } from '../usecases/doctor.js'
import { BaseCommand } from './cli/base-command.js'
import { locationFlags } from './cli/flags.js'
import { toPortsRequest } from './cli/locations.js'
import { renderDoctor } from './render/doctor.js'

export default class Doctor extends BaseCommand {
  static override readonly summary =
    'tell whether this machine, and an image, can be baked, and what to do if not'
  static override readonly examples = ['<%= config.bin %> doctor', '<%= config.bin %> doctor myapp:latest']
  static override readonly args = {
    image: Args.string({
      description: 'name, digest or id of an image in the engine, or a location such as oci:DIR',
    }),
  }

  static override readonly flags = { ...locationFlags }

  async run(): Promise<DoctorResult> {
    const { flags, args } = await this.parseLine(Doctor)
    const { doctor } = await import('../usecases/doctor.js')
    const request = args.image === undefined ? {} : { reference: args.image }
    const result = await this.withPorts((ports) => doctor(request, ports), toPortsRequest(args.image, flags))
    this.log(renderDoctor(result, this.style))
    // A script learns from the exit code what it would have met in a bake.
    const failed = result.checks.find((check) => check.status === 'fail')
    if (failed) process.exitCode = EXIT_CODES[failed.code ?? 'VERIFY_FAILED']
    return result
  }
}
