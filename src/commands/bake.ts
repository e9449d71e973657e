// SPDX-License-Identifier: Apache-2.0
import { existsSync } from 'node:fs'
import { Args, Flags, type Interfaces } from '@oclif/core'
import { CONFIG_FILE } from '../config/name.js'
import { type ErrorDocument, PycdsError } from '../errors/index.js'
import type { BakesPlan, BakesResult, Expanded, Made, NamedWork, Task } from '../usecases/fleet/index.js'
import type { PlanResult } from '../usecases/plan.js'
import type { PrepareResult } from '../usecases/prepare.js'
import { BaseCommand } from './cli/base-command.js'
import { configFlags, type GivenFlag, optionsFor, readEntries } from './cli/config-flags.js'
import {
  bakeFlags,
  LEARN,
  locationFlags,
  newImageFlags,
  platformsFlag,
  progressFlags,
  pycFlag,
  surroundingsFlags,
  trainingFlags,
} from './cli/flags.js'
import { assertNoFleet, fleetFlags, toFleetRequest, untilFlags } from './cli/fleet-flags.js'
import { gateFlags } from './cli/gate-flags.js'
import { GivenFiles } from './cli/given-files.js'
import { interruptible } from './cli/interruption.js'
import { learnFlags, TRAINING_OR_LATER } from './cli/learn-flags.js'
import { toPlatforms, toPortsRequest } from './cli/locations.js'
import {
  assertFileForEach,
  assertNoTraceOut,
  assertOutputFiles,
  outputFileFlags,
  writeImageFiles,
} from './cli/output-files.js'
import { parseDuration } from './cli/parse.js'
import { listImages } from './cli/ports.js'
import { assertNothingTrained, toBakeRequest, toPrepareRequest } from './cli/requests.js'
import { snapshotFlags } from './cli/snapshot-flags.js'
import type { TimeLimit } from './cli/time-limit.js'
import type { Chosen } from './fleet/choose.js'
import { renderBake } from './render/bake.js'
import { renderBakePlatforms } from './render/bake-platforms.js'
import { renderBakes } from './render/bakes.js'
import { renderBakesPlan } from './render/bakes-plan.js'
import { renderPlan } from './render/plan.js'
import { renderPrepare } from './render/prepare.js'
import { renderUnchanged } from './render/unchanged.js'

export default class Bake extends BaseCommand {
  static override readonly summary = 'bake a finished image into a new one that starts faster'
  static override readonly description =
    "Runs the image's entrypoint (or COMMAND) under import tracing inside the image, without a network, and adds " +
    'one layer with an archive of the code that it really imported. The source image is not touched.'
  static override readonly usage = [
    'bake IMAGE [-t NAME] [FLAGS] [-- COMMAND...]',
    'bake [--config FILE] [--only NAME] [FLAGS]',
  ]
  static override readonly examples = [
    '<%= config.bin %> bake myapp:latest',
    '<%= config.bin %> bake myapp:latest -t myapp:fast --ready quiet:5s',
    '<%= config.bin %> bake mytool:2 --json -- mytool --version',
    '<%= config.bin %> bake oci:build/image:1.4 -o oci-archive:image.tar',
    '<%= config.bin %> bake oci:build/image:1.4 --platform linux/amd64,linux/arm64',
    '<%= config.bin %> bake registry:registry.example/team/api:1.4 -o registry:registry.example/team/api:1.4-cds',
  ]
  static override readonly takesCommand = true
  static override readonly args = {
    image: Args.string({
      description:
        'name, digest or id of an image in the engine, or oci:DIR, oci-archive:FILE, docker-archive:FILE, registry:HOST/REPO',
    }),
  }
  static override readonly flags = {
    ...newImageFlags,
    ...locationFlags,
    ...platformsFlag,
    'copy-referrers': Flags.boolean({
      summary:
        'attach copies of what the registry has about the source to the new image; signatures and attestations, which are of its digest alone, are left out',
    }),
    ...trainingFlags,
    ...learnFlags,
    train: Flags.option({
      options: TRAINING_OR_LATER,
      default: 'entrypoint' as const,
      summary:
        "run the image's command, import the modules of --import and nothing else, only use --trace-in, or the same as `prepare`",
    })(),
    ...bakeFlags,
    ...surroundingsFlags,
    ...snapshotFlags,
    ...gateFlags,
    ...outputFileFlags,
    pyc: pycFlag('auto'),
    measure: Flags.string({
      default: '5',
      summary:
        'at most so many timed starts of the old and the new image, in turns, until the answer is stable; 0 for none',
      helpValue: 'N',
    }),
    'dry-run': Flags.boolean({ summary: 'train, and show what would be written; nothing is' }),
    plan: Flags.boolean({
      summary:
        'show which command would be run, and how, or which images of a file; nothing is started or written',
      exclusive: ['dry-run'],
    }),
    ...untilFlags,
    ...configFlags,
    ...fleetFlags,
    ...progressFlags,
  }

  async run(): Promise<Made | BakesResult | BakesPlan | PlanResult | PrepareResult> {
    const line = await this.parseLine(Bake)
    const { flags, args } = line
    const config = flags.config ?? (args.image === undefined ? defaultConfig() : undefined)
    if (config !== undefined) return await this.#bakeFile(config, line)
    if (args.image === undefined) throw missingImage()
    assertNoFleet(flags)
    if (flags.plan) return await this.#plan(args.image, flags, line.command)
    if (flags.train === LEARN) return await this.#letLearn(args.image, line)
    const work = await this.#prepare(args.image, flags, line.command, new GivenFiles())
    const result = await this.withProgress(flags, (progress) => work({ progress, signal: undefined }))
    if (result === undefined) throw new Error('nothing was made, though nothing was there before')
    this.log(this.#render(result, line.command))
    return result
  }

  /** Reads the request, so that what is wrong with it is told before anything is done. */
  async #prepare(
    image: string,
    flags: Parsed,
    command: string[] | undefined,
    files: GivenFiles,
  ): Promise<Work> {
    const request = await toBakeRequest(image, flags, command, process.env, files)
    assertOutputFiles(flags)
    const platforms = toPlatforms(flags.platform)
    const ports = toPortsRequest(image, { ...flags, platform: platforms[0] })
    if (platforms.length > 1) {
      assertNoTraceOut(flags)
      assertFileForEach(flags)
    }
    const limit = toTimeLimit(image, flags)
    return async ({ progress, signal, before }) => {
      const { findMade, make, mayBeMade } = await import('./fleet/make.js')
      const input = { request, platforms, flags, before }
      const limits = { signal, limit }
      if (mayBeMade(input)) {
        const made = await this.withLookups((...given) => findMade(input, ...given), ports, limits)
        if (made !== undefined) return made === 'as before' ? undefined : made
      }
      return await this.withPorts((opened) => make(input, { ...opened, progress }), ports, limits)
    }
  }

  async #planFile(chosen: readonly Chosen<Parsed>[], shard: BakesPlan['shard']): Promise<BakesPlan> {
    const { toBakesPlan } = await import('../usecases/fleet/index.js')
    const plan = toBakesPlan(
      chosen.map(({ image: { name, image, failure }, output }) => ({
        ...{ name, image, output },
        ...(failure ? { failure } : {}),
      })),
      shard,
    )
    this.log(renderBakesPlan(plan, this.style))
    setExitCode(plan.images)
    return plan
  }

  async #plan(image: string, flags: Parsed, command: string[] | undefined): Promise<PlanResult> {
    const request = await toBakeRequest(image, flags, command, process.env)
    const [platform] = toPlatforms(flags.platform)
    const { plan } = await import('../usecases/plan.js')
    const result = await this.withShownPorts(
      flags,
      (ports) => plan(request, ports),
      toPortsRequest(image, { ...flags, platform }),
    )
    this.log(renderPlan(result, this.style))
    return result
  }

  /** What `prepare` does. */
  async #letLearn(image: string, { flags, given, command }: Line): Promise<PrepareResult> {
    assertNothingTrained('--train learn', given, command)
    assertOutputFiles(flags)
    const [platform, ...others] = toPlatforms(flags.platform)
    if (others.length > 0) throw severalPlatforms()
    const request = toPrepareRequest(image, flags, process.env)
    const { prepare } = await import('../usecases/prepare.js')
    const result = await this.withPorts(
      async (ports) => {
        const made = await this.withProgress(flags, (progress) => prepare(request, { ...ports, progress }))
        await writeImageFiles(flags, made.output, ports.signal)
        return made
      },
      toPortsRequest(image, { ...flags, platform }),
    )
    this.log(renderPrepare(result, this.style))
    return result
  }

  #render(result: Made, command: string[] | undefined): string {
    if (result.schema === 'io.pycds.unchanged/1') return renderUnchanged(result, this.style)
    return 'platforms' in result
      ? renderBakePlatforms(result, this.style)
      : renderBake(result, this.style, command)
  }

  async #bakeFile(path: string, { flags, args, given, command }: Line): Promise<BakesResult | BakesPlan> {
    if (args.image !== undefined || command) throw twoSources(path)
    const fleet = toFleetRequest(flags)
    const files = new GivenFiles()
    const entries = await readEntries(path, Bake.flags, files)
    const [{ chooseImages }, { renderFailures, runFleet }] = await Promise.all([
      import('./fleet/choose.js'),
      import('./fleet/run-file.js'),
    ])
    const read = async ({ image, words }: Expanded): Promise<Parsed> =>
      (await this.parse(Bake, [image, ...optionsFor(words, given, Bake.flags)])).flags
    const choice = { only: flags.only, shard: fleet.shard, list: listImages }
    const chosen = await chooseImages(path, entries, choice, read)
    if (flags.plan) return await this.#planFile(chosen, fleet.shard ?? null)
    const checked = new Set<string>()
    const images: NamedWork[] = []
    for (const { image, flags: its } of chosen) {
      const prepare = () => this.#prepare(image.image, its, image.command, files)
      // Once for each entry: a request holds its traces, and there may be thousands of them.
      if (!image.failure && !checked.has(image.entry)) await prepare()
      checked.add(image.entry)
      const work = async (task: Task) => (image.failure ? fail(image.failure) : (await prepare())(task))
      images.push({ name: image.name, work })
    }
    const result = await this.withProgress(flags, (progress) =>
      interruptible((signal) => runFleet(images, fleet, { progress, signal })),
    )
    if (!this.jsonEnabled()) this.logToStderr(renderFailures(result).trimEnd())
    this.log(renderBakes(result, this.style))
    setExitCode(result.images)
    return result
  }
}

type Parsed = Omit<Interfaces.InferredFlags<typeof Bake.flags>, 'json'>

/** Makes an image; undefined when it is as `before` tells. */
type Work = (task: WorkTask) => Promise<Made | undefined>

interface WorkTask extends Pick<Task, 'progress'> {
  /** Ends the work; undefined: it listens for interruptions itself. */
  signal: AbortSignal | undefined
  before?: Task['before']
}

interface Line {
  flags: Parsed
  args: { image?: string | undefined }
  given: GivenFlag[]
  command?: string[]
}

function toTimeLimit(image: string, { 'image-timeout': time }: Parsed): TimeLimit | undefined {
  if (time === undefined) return undefined
  return { ms: parseDuration('--image-timeout', time), subject: `image ${image}` }
}

async function fail(error: PycdsError): Promise<never> {
  throw error
}

/** That of the first image that has failed. */
function setExitCode(images: readonly { error: ErrorDocument['error'] | null }[]): void {
  const failed = images.find(({ error }) => error !== null)
  if (failed?.error) process.exitCode = failed.error.exitCode
}

/** The file that is meant where no image is named. */
function defaultConfig(): string | undefined {
  return existsSync(CONFIG_FILE) ? CONFIG_FILE : undefined
}

function missingImage(): PycdsError {
  return new PycdsError('USAGE', {
    message: 'bake: missing argument IMAGE',
    hint: `Name one, or write ${CONFIG_FILE} here (docs/configuration.md). See pycds-image bake --help.`,
  })
}

function severalPlatforms(): PycdsError {
  return new PycdsError('USAGE', {
    message: '--train learn: it prepares one image, and several platforms are named',
    hint: 'Prepare them one by one: pycds-image prepare IMAGE --platform OS/ARCH.',
  })
}

function twoSources(path: string): PycdsError {
  return new PycdsError('USAGE', {
    message: `--config ${path}: the file says what to bake, and so does the command line`,
    hint: 'Leave out the image and the command; choose images of the file with --only.',
  })
}
