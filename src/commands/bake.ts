// SPDX-License-Identifier: Apache-2.0
import { existsSync } from 'node:fs'
import { Args, Flags, type Interfaces } from '@oclif/core'
import { CONFIG_FILE } from '../config/name.js'
import { PycdsError, renderError } from '../errors/index.js'
import type { BakeRequest } from '../usecases/bake.js'
import { type BakesResult, bakeMany, type NamedWork } from '../usecases/bake-many.js'
import type { PlanResult } from '../usecases/plan.js'
import type { BakePlatformsResult, BakeResult } from '../usecases/result.js'
import { BaseCommand } from './cli/base-command.js'
import { configFlags, readEntries } from './cli/config-flags.js'
import {
  bakeFlags,
  locationFlags,
  platformsFlag,
  progressFlags,
  pycFlag,
  surroundingsFlags,
  trainingFlags,
} from './cli/flags.js'
import { gateFlags } from './cli/gate-flags.js'
import { learnFlags } from './cli/learn-flags.js'
import { toPlatforms, toPortsRequest } from './cli/locations.js'
import {
  assertNoTraceOut,
  assertOutputFiles,
  outputFileFlags,
  writeIndexFiles,
  writeOutputFiles,
} from './cli/output-files.js'
import type { PortsRequest } from './cli/ports.js'
import { toBakeRequest } from './cli/requests.js'
import { snapshotFlags } from './cli/snapshot-flags.js'
import { renderBake } from './render/bake.js'
import { renderBakePlatforms } from './render/bake-platforms.js'
import { renderPlan } from './render/plan.js'

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
  ]
  static override readonly takesCommand = true
  static override readonly args = {
    image: Args.string({
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
    ...platformsFlag,
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
      summary: 'show which command would be run, and how; nothing is started or written',
      exclusive: ['dry-run', 'config'],
    }),
    ...configFlags,
    ...progressFlags,
  }

  async run(): Promise<AnyResult | BakesResult | PlanResult> {
    const line = await this.parseLine(Bake)
    const { flags, args } = line
    const config = flags.config ?? (args.image === undefined ? defaultConfig() : undefined)
    if (config !== undefined) return this.#bakeFile(config, flags.only, line)
    if (args.image === undefined) throw missingImage()
    if (flags.plan) return this.#plan(args.image, flags, line.command)
    const result = await this.#prepare(args.image, flags, line.command)()
    this.log(this.#render(result))
    return result
  }

  /** Reads the request, so that what is wrong with it is told before anything is done. */
  #prepare(image: string, flags: Parsed, command: string[] | undefined): () => Promise<AnyResult> {
    const request = toBakeRequest(image, flags, command, process.env)
    assertOutputFiles(flags)
    const platforms = toPlatforms(flags.platform)
    const ports = toPortsRequest(image, { ...flags, platform: platforms[0] })
    if (platforms.length > 1) {
      assertNoTraceOut(flags)
      return () => this.#bakePlatforms(request, platforms, ports, flags)
    }
    return async () => {
      const { bake } = await import('../usecases/bake.js')
      const { result, trace } = await this.withShownPorts(flags, (opened) => bake(request, opened), ports)
      writeOutputFiles(flags, result, trace)
      return result
    }
  }

  async #plan(image: string, flags: Parsed, command: string[] | undefined): Promise<PlanResult> {
    const request = toBakeRequest(image, flags, command, process.env)
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

  async #bakePlatforms(
    request: BakeRequest,
    platforms: readonly string[],
    ports: PortsRequest,
    flags: Parsed,
  ): Promise<BakePlatformsResult> {
    const { bakePlatforms } = await import('../usecases/bake-platforms.js')
    const result = await this.withShownPorts(
      flags,
      async ({ index, ...opened }) => {
        if (!index) throw new Error('a location without a store for indexes')
        return await bakePlatforms(request, platforms, { ...opened, index })
      },
      ports,
    )
    writeIndexFiles(flags, result)
    return result
  }

  #render(result: AnyResult): string {
    return 'platforms' in result ? renderBakePlatforms(result, this.style) : renderBake(result, this.style)
  }

  async #bakeFile(path: string, only: string[] | undefined, line: Line): Promise<BakesResult> {
    if (line.args.image !== undefined || line.command) throw twoSources(path)
    const named: NamedWork[] = []
    const own = withoutConfig(this.argv)
    for (const entry of readEntries(path, only, Bake.flags)) {
      // The command line has the say.
      const words = entry.words.filter((word) => !own.some((other) => nameOf(other) === nameOf(word)))
      const { flags, args } = await this.parse(Bake, [entry.image, ...words, ...own])
      named.push({ name: entry.name, work: this.#prepare(args.image ?? entry.image, flags, entry.command) })
    }
    const result = await bakeMany(named, (image) => {
      if (image.result) this.log(`${this.#render(image.result)}\n`)
      if (image.error && !this.jsonEnabled()) {
        const text = renderError(image.error, { debug: false, heading: `Error: ${image.name}` })
        this.logToStderr(text.trimEnd())
      }
    })
    const failed = result.images.find(({ error }) => error !== null)
    if (failed?.error) process.exitCode = failed.error.exitCode
    return result
  }
}

type AnyResult = BakeResult | BakePlatformsResult

type Parsed = Omit<Interfaces.InferredFlags<typeof Bake.flags>, 'json'>

interface Line {
  args: { image?: string | undefined }
  command?: string[]
}

/** The options of the command line that are for every image. */
function withoutConfig(argv: readonly string[]): string[] {
  return argv.filter((word, index) => {
    const before = argv[index - 1]
    if (before === '--config' || before === '--only') return false
    return !/^--(config|only)(=|$)/.test(word)
  })
}

/** `--tag` of `--tag=x`, and of `-t`. */
function nameOf(word: string): string {
  const { tag, output } = Bake.flags
  const short = [tag, output].find(({ char }) => word === `-${char}` || word.startsWith(`-${char}=`))
  return short ? `--${short === tag ? 'tag' : 'output'}` : (word.split('=')[0] ?? word)
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

function twoSources(path: string): PycdsError {
  return new PycdsError('USAGE', {
    message: `--config ${path}: the file says what to bake, and so does the command line`,
    hint: 'Leave out the image and the command; choose images of the file with --only.',
  })
}
