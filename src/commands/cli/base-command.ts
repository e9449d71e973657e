// SPDX-License-Identifier: Apache-2.0
import { Command, type Interfaces } from '@oclif/core'
import { PycdsError } from '../../errors/index.js'
import {
  type ClosableProgress,
  createProgress,
  createStyle,
  type ProgressMode,
  type Style,
} from '../../log/index.js'
import type { AttachmentStore } from '../../ports/index.js'
import type { GivenFlag } from './config-flags.js'
import { interruptible } from './interruption.js'
import { splitCommand } from './parse.js'
import {
  type Lookups,
  type OpenPorts,
  openAttachments,
  openLookups,
  openPorts,
  type PortsRequest,
} from './ports.js'
import { type TimeLimit, withinLimit } from './time-limit.js'
import { toUsageError } from './usage-error.js'

/** What every use case is given: its ports, and the signal that asks it to stop. */
export type WorkPorts = OpenPorts & { signal: AbortSignal }

/** What ends work before it is done. */
export interface Limits {
  /** Where somebody else listens for interruptions. */
  signal?: AbortSignal | undefined
  limit?: TimeLimit | undefined
}

/** What the verbs share: `--json`, `-- COMMAND`, ports that are cleaned up, and errors with a code. */
export abstract class BaseCommand extends Command {
  static override readonly enableJsonFlag = true

  // oclif's own default is undefined, whatever its types say.
  static override readonly flags: Interfaces.FlagInput = {}

  /** Whether the verb takes `-- COMMAND...` for a run inside the image. */
  static readonly takesCommand: boolean = false

  /** As it is written on a command line. */
  protected get verb(): string {
    return (this.id ?? '').replaceAll(':', ' ')
  }

  /**
   * Parses the words before `--` and returns them with the command behind it; `words` are all arguments, `given` the
   * flags as they came.
   */
  protected async parseLine<F extends Interfaces.OutputFlags<F>, A extends Interfaces.OutputArgs<A>>(
    verb: Interfaces.Input<F, object, A> & { takesCommand: boolean },
  ): Promise<{ flags: F; args: A; words: string[]; given: GivenFlag[]; command?: string[] }> {
    const { own, command } = splitCommand(this.argv)
    if (command && !verb.takesCommand) {
      throw new PycdsError('USAGE', {
        message: `${this.verb}: unexpected -- ${command.join(' ')}`,
        hint: `${this.verb} runs no command inside the image; bake and verify do.`,
      })
    }
    const { flags, args, argv, raw } = await this.parse<F, object, A>(verb, own)
    const words = argv.map(String)
    const unknown = words.find((word) => word.length > 1 && word.startsWith('-'))
    if (unknown !== undefined) {
      // A verb that takes any number of arguments is not told of flags that it does not know.
      const hint = `See pycds-image ${this.verb} --help.`
      throw new PycdsError('USAGE', { message: `${this.verb}: unknown flag ${unknown}`, hint })
    }
    const given = raw.filter((token) => token.type === 'flag')
    return { flags, args, words, given, ...(command && { command }) }
  }

  /**
   * Runs a use case; what it made in the engine is removed however it ends, and awaited.
   */
  protected withPorts<T>(
    work: (ports: WorkPorts) => Promise<T>,
    request: PortsRequest = {},
    { signal, limit }: Limits = {},
  ): Promise<T> {
    const within = (outer: AbortSignal) =>
      withinLimit(limit, outer, (inner) => withOpenPorts(work, { ...request, signal: inner }))
    return signal === undefined ? interruptible(within) : within(signal)
  }

  /** The same for work that only looks names up. */
  protected withLookups<T>(
    work: (lookups: Lookups, signal: AbortSignal) => Promise<T>,
    request: PortsRequest,
    { signal, limit }: Limits = {},
  ): Promise<T> {
    const within = (outer: AbortSignal) =>
      withinLimit(limit, outer, async (inner) => {
        const lookups = await openLookups({ ...request, signal: inner })
        return await work(lookups, inner).finally(() => lookups.close())
      })
    return signal === undefined ? interruptible(within) : within(signal)
  }

  /** The same for work on what is said of images of registries, which needs no engine. */
  protected withAttachments<T>(
    work: (attachments: AttachmentStore) => Promise<T>,
    request: PortsRequest = {},
  ): Promise<T> {
    return interruptible(async (signal) => {
      const { attachments, close } = await openAttachments({ ...request, signal })
      return await work(attachments).finally(close)
    })
  }

  /** Runs `work` with progress on stderr, which is closed before anything else is written. */
  protected async withProgress<T>(
    flags: { progress: ProgressMode; 'app-output': 'show' | 'hide' },
    work: (progress: ClosableProgress) => Promise<T>,
  ): Promise<T> {
    const progress = createProgress(flags.progress, {
      stream: process.stderr,
      appOutput: flags['app-output'],
      env: process.env,
    })
    try {
      return await work(progress)
    } finally {
      progress.close()
    }
  }

  /** Both: the progress goes on until everything is removed again. */
  protected withShownPorts<T>(
    flags: { progress: ProgressMode; 'app-output': 'show' | 'hide' },
    work: (ports: WorkPorts & { progress: ClosableProgress }) => Promise<T>,
    request: PortsRequest = {},
  ): Promise<T> {
    return this.withProgress(flags, (progress) =>
      this.withPorts((ports) => work({ ...ports, progress }), request),
    )
  }

  /** Marks for what is printed on stdout. */
  protected get style(): Style {
    return createStyle(process.stdout, process.env)
  }

  /** Only translates; the process renders every failure in one place. */
  protected override async catch(error: unknown): Promise<never> {
    const verb = this.ctor as typeof BaseCommand
    const flags = Object.entries(verb.flags)
    throw toUsageError(error, {
      id: this.verb,
      flags: [...Object.keys(verb.flags), 'json', 'help'],
      takesCommand: verb.takesCommand,
      argv: this.argv,
      args: Object.keys(verb.args ?? {}).length,
      parts: this.config.commandIDs
        .filter((id) => id.startsWith(`${this.id}:`))
        .map((id) => id.slice(`${this.id}:`.length)),
      valued: flags.flatMap(([name, { type, char }]) =>
        type === 'option' ? [`--${name}`, ...(char ? [`-${char}`] : [])] : [],
      ),
    })
  }
}

async function withOpenPorts<T>(
  work: (ports: WorkPorts) => Promise<T>,
  request: PortsRequest & { signal: AbortSignal },
): Promise<T> {
  const ports = await openPorts(request)
  try {
    const result = await work({ ...ports, signal: request.signal })
    await ports.engine.removeAll()
    return result
  } catch (error) {
    // The failure that led here says more than one of cleaning up after it.
    await ports.engine.removeAll().catch(() => {})
    throw error
  } finally {
    await ports.close?.()
  }
}
