// SPDX-License-Identifier: Apache-2.0
import { Flags } from '@oclif/core'
import { type ErrorDocument, PycdsError } from '../errors/index.js'
import type { PrepareRootResult } from '../usecases/prepare.js'
import type { StepResult } from '../usecases/step.js'
import { BaseCommand } from './cli/base-command.js'
import { bakeFlags, environmentFlags, LEARN, progressFlags, pycFlag, trainingFlags } from './cli/flags.js'
import { interruptible } from './cli/interruption.js'
import { learnFlags, TRAINING_OR_LATER } from './cli/learn-flags.js'
import { writeOutcome } from './cli/outcome.js'
import { assertWritable } from './cli/output-files.js'
import { openRoot } from './cli/ports.js'
import { assertNothingTrained, toPrepareRootRequest, toStepRequest } from './cli/requests.js'
import { snapshotFlags } from './cli/snapshot-flags.js'
import { renderPrepare } from './render/prepare.js'
import { renderStep } from './render/step.js'

function launchedWithoutProgram(): PycdsError {
  return new PycdsError('USAGE', {
    message:
      'step: --snapshot-launch entrypoint with --on-failure skip: where the step fails, the ENTRYPOINT of the Dockerfile would begin with a program that is not there',
    hint: 'Leave one of the two out.',
  })
}

export default class Step extends BaseCommand {
  static override readonly summary = 'bake in place, from a RUN instruction of a Dockerfile'
  static override readonly description =
    'The image is the root file system that this runs in. COMMAND runs under import tracing; the archive, its ' +
    'manifest, the runtime and its hook are written, and what the run has made besides is removed again.'
  static override readonly usage = 'step [FLAGS] [-- COMMAND...]'
  static override readonly examples = [
    'RUN --mount=from=pycds/pycds-image,target=/mnt /mnt/pycds-image step -- python -m app --help',
    'RUN --mount=from=pycds/pycds-image,target=/mnt /mnt/pycds-image step --import app.main',
    'RUN --mount=from=pycds/pycds-image,target=/mnt /mnt/pycds-image step --prepare',
  ]
  static override readonly takesCommand = true
  static override readonly flags = {
    ...learnFlags,
    train: Flags.option({
      options: TRAINING_OR_LATER,
      summary:
        'run COMMAND, import the modules of --import and nothing else, only use --trace-in, or the same as --prepare; default: what is given',
    })(),
    pyc: pycFlag('off'),
    python: Flags.string({
      summary: 'the interpreter for --import and --trace-in; default: that of COMMAND, or python3 of PATH',
      helpValue: 'PATH',
    }),
    user: Flags.string({
      summary: 'run COMMAND as this user of the image; needs root',
      helpValue: 'USER[:GROUP]',
    }),
    prepare: Flags.boolean({
      summary: 'run nothing: containers of the image learn their archive at their first start',
    }),
    here: Flags.boolean({
      summary: 'bake this root file system also where it looks like that of a whole machine',
    }),
    'image-config': Flags.string({
      summary: 'the configuration of the image as JSON: its HEALTHCHECK or its ports say when COMMAND is up',
      helpValue: 'FILE',
    }),
    output: Flags.string({
      summary: 'write below this directory, for another stage to copy, and not into the root',
      helpValue: 'DIR',
    }),
    ...trainingFlags,
    ...bakeFlags,
    ...snapshotFlags,
    ...environmentFlags,
    'on-failure': Flags.option({
      options: ['fail', 'skip'] as const,
      default: 'fail' as const,
      summary: 'when the root cannot be baked: fail the build, or warn and go on without an archive',
    })(),
    'metadata-file': Flags.string({
      summary: 'also write the result, or the error, as JSON',
      helpValue: 'FILE',
    }),
    ...progressFlags,
  }

  async run(): Promise<StepResult | PrepareRootResult | ErrorDocument> {
    const { flags, given, command } = await this.parseLine(Step)
    const outcome = { file: flags['metadata-file'], skip: flags['on-failure'] === 'skip' }
    if (flags.prepare || flags.train === LEARN) {
      assertNothingTrained(flags.prepare ? '--prepare' : '--train learn', given, command)
      const prepared = toPrepareRootRequest(flags, process.env)
      const { prepareRoot } = await import('../usecases/prepare.js')
      return await writeOutcome(outcome, async () => {
        const result = await interruptible(async (signal) =>
          prepareRoot(prepared, { ...(await openRoot(flags.user)), signal }),
        )
        this.log(renderPrepare(result, this.style))
        return result
      })
    }
    if (outcome.skip && flags['snapshot-launch'] === 'entrypoint') throw launchedWithoutProgram()
    const request = await toStepRequest(flags, command, process.env)
    assertWritable('--metadata-file', flags['metadata-file'])
    const { step } = await import('../usecases/step.js')
    return await writeOutcome(outcome, async () => {
      const result = await interruptible(async (signal) => {
        const ports = await openRoot(flags.user)
        return this.withProgress(flags, (progress) => step(request, { ...ports, progress, signal }))
      })
      this.log(renderStep(result, this.style))
      return result
    })
  }
}
