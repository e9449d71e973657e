// SPDX-License-Identifier: Apache-2.0
import { Args, Flags } from '@oclif/core'
import { PycdsError } from '../errors/index.js'
import type { PrepareResult, PrepareRootResult } from '../usecases/prepare.js'
import { BaseCommand } from './cli/base-command.js'
import { locationFlags, newImageFlags, progressFlags } from './cli/flags.js'
import { interruptible } from './cli/interruption.js'
import { toPortsRequest } from './cli/locations.js'
import { openRoot } from './cli/ports.js'
import { toPrepareRequest, toPrepareRootRequest } from './cli/requests.js'
import { renderPrepare } from './render/prepare.js'

export default class Prepare extends BaseCommand {
  static override readonly summary = 'make an image whose containers learn their archive at the first start'
  static override readonly description =
    'Adds one small layer with the runtime, its hook, and where to learn (PYCDS_LEARN); nothing of the image is run. ' +
    'A start that finds no archive of its own kind there records what it imports, a process of its own writes the ' +
    'archive, and the next start uses it. --root does the same to a virtual environment of this machine.'
  static override readonly usage = ['prepare IMAGE [-t NAME] [FLAGS]', 'prepare --root VENV']
  static override readonly examples = [
    '<%= config.bin %> prepare myapp:latest',
    '<%= config.bin %> prepare oci:build/image:1.4 -o oci-archive:image.tar',
    '<%= config.bin %> prepare --root ./venv',
  ]
  static override readonly args = {
    image: Args.string({
      description:
        'name, digest or id of an image in the engine, or oci:DIR, oci-archive:FILE, docker-archive:FILE, registry:HOST/REPO',
    }),
  }
  static override readonly flags = {
    ...newImageFlags,
    root: Flags.string({
      summary: 'prepare this virtual environment, and no image',
      helpValue: 'VENV',
      exclusive: ['tag', 'output', 'platform', 'runtime'],
    }),
    ...locationFlags,
    ...progressFlags,
  }

  async run(): Promise<PrepareResult | PrepareRootResult> {
    const { flags, args } = await this.parseLine(Prepare)
    const result = await this.#prepare(args.image, flags.root, flags)
    this.log(renderPrepare(result, this.style))
    return result
  }

  async #prepare(
    image: string | undefined,
    root: string | undefined,
    flags: Parameters<typeof toPrepareRequest>[1] &
      Parameters<typeof toPortsRequest>[1] &
      Parameters<typeof this.withProgress>[0],
  ): Promise<PrepareResult | PrepareRootResult> {
    const { prepare, prepareRoot } = await import('../usecases/prepare.js')
    if (root !== undefined) {
      if (image !== undefined) throw twoSubjects(root)
      const request = toPrepareRootRequest({ root, here: false }, process.env)
      return await interruptible(async (signal) => prepareRoot(request, { ...(await openRoot()), signal }))
    }
    if (image === undefined) throw missingImage()
    const request = toPrepareRequest(image, flags, process.env)
    return await this.withPorts(
      (ports) => this.withProgress(flags, (progress) => prepare(request, { ...ports, progress })),
      toPortsRequest(image, flags),
    )
  }
}

function missingImage(): PycdsError {
  return new PycdsError('USAGE', {
    message: 'prepare: missing argument IMAGE',
    hint: 'Name an image, or a virtual environment with --root. See pycds-image prepare --help.',
  })
}

function twoSubjects(root: string): PycdsError {
  return new PycdsError('USAGE', {
    message: `--root ${root}: it prepares a virtual environment, and an image is named, too`,
    hint: 'Leave one of them out.',
  })
}
