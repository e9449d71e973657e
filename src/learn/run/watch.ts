// SPDX-License-Identifier: Apache-2.0
// Starts a container and watches it until it has ended, is ready, or ran out of time.
import { PycdsError } from '../../errors/index.js'
import type { Container, OutputListener } from '../../ports/index.js'
import { type Condition, type Looker, matchOutput, poll } from './conditions.js'
import type { Inside } from './inside.js'
import { Processor } from './processor.js'
import { formatReady, type ReadyPlan, type ReadySpec } from './ready.js'

const POLL_MS = 100
/** Some engines start a program of theirs for each look into a container: that must not compete with what is watched. */
const POLL_SHARE = 1 / 4
const LONGEST_POLL_MS = 500
/** A server may listen before its workers have imported anything: what is ready must also have fallen quiet. */
const SETTLE_MS = 1000
/** So long may a service that is ready compute before it is taken for one that always does. */
const COMPUTE_LIMIT_MS = 20_000
/** The same for one whose port is open while nobody takes its connections. */
const NEAR_LIMIT_MS = 60_000
const LOOK_PAUSE_MS = 250
const REQUEST_TIMEOUT_MS = 10_000
const COMMAND_TIMEOUT_MS = 30_000
const HEALTH_PASSES = 2

/** How long a run may take. Handed on as it is: nobody but the watch needs to know what is in it. */
export interface RunLimits {
  /** Hard limit. */
  timeoutMs: number
  /** Between the stop signal and SIGKILL. */
  stopGraceSeconds: number
}

export interface WatchOptions {
  ready: ReadyPlan
  limits: RunLimits
  signal: AbortSignal
  /** How far the run has come: a number that grows with every import. Asked for again and again. */
  activity(): Promise<number>
  onOutput?: OutputListener
  /** Needed for conditions that look inside. */
  inside?: Inside
  /** The command of the image's HEALTHCHECK. */
  health?: readonly string[] | undefined
  /** Called once when the run is ready and has settled, while the container still runs. */
  whenReady?(): Promise<void>
}

export interface Watched {
  /** What ended the run; undefined when it never became ready. */
  by: ReadySpec['kind'] | undefined
  /** Null when the container was stopped. */
  exitCode: number | null
  seconds: number
  activity: number
  /** Why a run that ended is not what was asked for; it is for the caller to throw. */
  failure?: PycdsError
  warnings: string[]
}

/**
 * Runs a container that was made, to its end or until it is ready; it is stopped afterwards.
 * @throws INTERRUPTED when `signal` aborts. A run that was never ready is a result with a `failure`.
 */
export async function watch(container: Container, options: WatchOptions): Promise<Watched> {
  const looking = new AbortController()
  try {
    return await new Watch(container, options, looking.signal).run()
  } finally {
    looking.abort()
  }
}

class Watch {
  readonly #container: Container
  readonly #options: WatchOptions
  readonly #looking: AbortSignal
  readonly #began = performance.now()
  #conditions: Condition[] = []
  #plan: ReadyPlan
  readonly #warnings: string[] = []
  #ended: { exitCode: number } | undefined
  #end: Promise<void> = Promise.resolve()
  #activity = 0
  #changed = 0
  /** How long the last look took. */
  #lookMs = 0
  /** What held, once something did. */
  #ready: ReadySpec | undefined
  readonly #processor: Processor

  constructor(container: Container, options: WatchOptions, looking: AbortSignal) {
    this.#container = container
    this.#options = options
    this.#plan = options.ready
    this.#looking = looking
    this.#processor = new Processor(options.inside)
  }

  async run(): Promise<Watched> {
    await this.#start()
    for (;;) {
      await this.#tick()
      if (this.#ended) return this.#hasEnded(this.#ended.exitCode)
      const failure = this.#dropImpossible()
      if (failure) return this.#cannotBe(failure)
      if (this.#ready === undefined) await this.#seeWhatHolds()
      if (this.#ready && (await this.#hasSettled(this.#ready))) {
        return this.#isReady(this.#ready, this.#guesses(this.#ready))
      }
      const ms = this.#ready ? undefined : this.#fallback()
      if (ms !== undefined && this.#isQuietFor(ms) && !(await this.#computes(ms))) {
        const warning = `${this.#state()}; the run was ended after ${ms / 1000} s without an import`
        return this.#isReady({ kind: 'quiet', ms }, [warning])
      }
      if (this.#elapsed >= this.#options.limits.timeoutMs) {
        // Ready but never quiet: there is no more to wait for.
        return this.#ready ? this.#isReady(this.#ready) : this.#isOverdue()
      }
    }
  }

  async #start(): Promise<void> {
    const logs = this.#specs('log').map(matchOutput)
    const { onOutput } = this.#options
    await this.#container.start((stream, chunk) => {
      for (const log of logs) log.push(stream, chunk)
      onOutput?.(stream, chunk)
    })
    this.#end = this.#container.wait().then((result) => {
      this.#ended = result
    })
    this.#changed = performance.now()
    this.#conditions = [...logs, ...this.#poll()]
  }

  #poll(): Condition[] {
    return this.#plan.specs.flatMap((spec) => {
      const looker = this.#lookerFor(spec)
      return looker ? poll(spec, formatReady(spec), looker, this.#looking) : []
    })
  }

  /** Goes on without what can never hold. The error of a run for which nothing is left to wait for. */
  #dropImpossible(): PycdsError | undefined {
    const broken = this.#conditions.find(({ missing }) => missing !== undefined)
    if (broken === undefined) return undefined
    const reason = `${formatReady(broken.spec)}: there is no ${broken.missing} in the image`
    this.#conditions = this.#conditions.filter((condition) => condition !== broken)
    const { instead } = this.#plan
    this.#plan = instead ?? { specs: this.#plan.specs.filter((spec) => spec !== broken.spec) }
    if (instead) this.#conditions = this.#poll()
    const names = this.#plan.specs.map(formatReady).join(', ')
    if (names !== '') this.#warnings.push(`${reason}; the run waited for ${names} instead`)
    if (names !== '') return undefined
    return new PycdsError('TRAINING_FAILED', {
      message: `training run: ${reason}`,
      hint: 'Wait for something else with --ready, such as port:8000 or http:8000/healthz, or put it into the image.',
    })
  }

  async #cannotBe(failure: PycdsError): Promise<Watched> {
    const seconds = this.#elapsed / 1000
    await this.#container.stop(0)
    await this.#end
    return { by: undefined, exitCode: null, seconds, activity: this.#activity, failure, warnings: [] }
  }

  #lookerFor(spec: ReadySpec): Looker | undefined {
    const { inside, health } = this.#options
    if (!inside) return undefined
    const looker = (look: Looker['look'], passes = 1) => ({ look, passes, pauseMs: LOOK_PAUSE_MS })
    if (spec.kind === 'port') return looker((tell) => inside.port(spec.port, tell))
    if (spec.kind === 'http') return looker(() => inside.http({ method: 'GET', ...spec }, REQUEST_TIMEOUT_MS))
    if (spec.kind === 'cmd')
      return looker(() => inside.run(spec.command, COMMAND_TIMEOUT_MS, { traced: false }))
    if (spec.kind === 'health' && health) {
      return looker(() => inside.run(health, COMMAND_TIMEOUT_MS, { traced: false }), HEALTH_PASSES)
    }
    return undefined
  }

  #specs<K extends ReadySpec['kind']>(kind: K): (ReadySpec & { kind: K })[] {
    return this.#plan.specs.filter((spec): spec is ReadySpec & { kind: K } => spec.kind === kind)
  }

  get #elapsed(): number {
    return performance.now() - this.#began
  }

  /** Waits for the next look, and notes what is new. */
  async #tick(): Promise<void> {
    const pauseMs = Math.min(Math.max(POLL_MS, this.#lookMs / POLL_SHARE), LONGEST_POLL_MS)
    await Promise.race([this.#end, delay(pauseMs)])
    if (this.#options.signal.aborted) throw interrupted()
    if (this.#ended) return
    const broken = this.#conditions.find((condition) => condition.error !== undefined)
    if (broken) throw broken.error
    const asked = performance.now()
    const seen = await this.#options.activity()
    this.#lookMs = performance.now() - asked
    if (seen !== this.#activity) this.#changed = performance.now()
    this.#activity = seen
  }

  #isQuietFor(ms: number): boolean {
    return this.#activity > 0 && performance.now() - this.#changed >= ms
  }

  async #seeWhatHolds(): Promise<void> {
    this.#ready = this.#whatHolds()
    if (this.#ready && this.#ready.kind !== 'quiet') await this.#processor.begin()
  }

  #whatHolds(): ReadySpec | undefined {
    const condition = this.#conditions.find(({ holds }) => holds)
    if (condition) return condition.spec
    const timer = this.#specs('timer').find(({ ms }) => this.#elapsed >= ms)
    return timer ?? this.#specs('quiet').find(({ ms }) => this.#isQuietFor(ms))
  }

  async #hasSettled(spec: ReadySpec): Promise<boolean> {
    if (spec.kind === 'timer') return true
    // On a busy machine, or in an emulator, two imports may be further apart than that.
    if (spec.kind === 'quiet' && this.#plan.isGuess)
      return this.#isQuietFor(spec.ms) && !(await this.#computes(spec.ms))
    if (spec.kind === 'quiet') return true
    return performance.now() - this.#changed >= SETTLE_MS && !(await this.#computes(SETTLE_MS))
  }

  /** Whether something is worked at that may end in further imports. @param ms how long nothing was imported, at least */
  async #computes(ms: number): Promise<boolean> {
    const quietMs = performance.now() - this.#changed
    return quietMs < ms + COMPUTE_LIMIT_MS && (await this.#processor.isBusy())
  }

  /** After how long without an import to give up what nobody asked for. */
  #fallback(): number | undefined {
    const { fallbackQuietMs } = this.#plan
    if (fallbackQuietMs === undefined || !this.#conditions.some(({ isNear }) => isNear))
      return fallbackQuietMs
    return Math.max(fallbackQuietMs, NEAR_LIMIT_MS)
  }

  /** What a run that ends by itself, as far as anybody knows, may have missed. */
  #guesses(spec: ReadySpec): string[] {
    if (spec.kind !== 'quiet' || !this.#plan.isGuess) return []
    const why = this.#plan.isUnknown
      ? 'a build does not know the port or the HEALTHCHECK of its image: say how to tell that it is up, as in --ready port:8080'
      : 'it has neither a port nor a HEALTHCHECK to tell that it is up (--ready says how to tell)'
    return [
      `the program was still running when it had imported nothing for ${spec.ms / 1000} s, which is when the training ` +
        `run was ended: ${why}`,
    ]
  }

  /** What was asked for and has not come. */
  #state(): string {
    const plain = this.#plan.specs.some(({ kind }) => kind === 'exit' || kind === 'quiet')
    const imports =
      this.#activity > 0
        ? `it went on importing (${this.#activity} modules so far)`
        : 'no Python module was imported'
    const states = this.#conditions.map((condition) => condition.describe())
    return (states.length > 0 || !plain ? states : [imports]).join('; ')
  }

  async #isReady(spec: ReadySpec, warnings: string[] = []): Promise<Watched> {
    const seconds = this.#elapsed / 1000
    await this.#options.whenReady?.()
    const limit = performance.now() + SETTLE_MS * 10
    if (this.#options.whenReady) {
      this.#changed = performance.now()
      while (!this.#ended && !this.#isQuietFor(SETTLE_MS) && performance.now() < limit) await this.#tick()
    }
    if (this.#options.signal.aborted) throw interrupted()
    const ended = this.#ended
    await this.#container.stop(this.#options.limits.stopGraceSeconds)
    await this.#end
    const exitCode = ended ? ended.exitCode : null
    return {
      by: spec.kind,
      exitCode,
      seconds,
      activity: this.#activity,
      warnings: [...this.#warnings, ...warnings],
    }
  }

  #hasEnded(exitCode: number): Watched {
    const seconds = this.#elapsed / 1000
    const ended = {
      by: 'exit' as const,
      exitCode,
      seconds,
      activity: this.#activity,
      warnings: this.#warnings,
    }
    // Of these two, the end of the process is a case.
    const accepts = this.#plan.specs.some(({ kind }) => kind === 'exit' || kind === 'quiet')
    if (accepts || this.#ready || exitCode !== 0) return ended
    const failure = new PycdsError('TRAINING_FAILED', {
      message: `training run: it ended with exit code 0 before it was ready: ${this.#state()}`,
      hint: 'Add --ready exit when the end of the process is what to wait for.',
    })
    return { ...ended, by: undefined, failure }
  }

  async #isOverdue(): Promise<Watched> {
    const seconds = this.#options.limits.timeoutMs / 1000
    // Asked before the end of the container makes every answer another one.
    const state = this.#state()
    await this.#container.stop(0)
    await this.#end
    const failure = new PycdsError('TRAINING_TIMEOUT', {
      message: `training run: not ready after ${seconds} s: ${state}`,
      hint: 'Raise --timeout, choose another --ready, or give a COMMAND that ends by itself after `--`.',
    })
    return { by: undefined, exitCode: null, seconds, activity: this.#activity, failure, warnings: [] }
  }
}

function interrupted(): PycdsError {
  return new PycdsError('INTERRUPTED', { message: 'interrupted', hint: 'Nothing was written; run it again.' })
}

function delay(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}
