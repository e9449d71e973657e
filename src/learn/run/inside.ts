// SPDX-License-Identifier: Apache-2.0
// What a run looks at from inside its container: ports, answers, and programs that end. The
// container may have no network and the image no shell, so this program brings its own probe.
import type { Container, ExecResult } from '../../ports/index.js'
import { present } from '../../util/present.js'
import { missingProgram } from './missing-program.js'

/** One look takes at most so long; the probe itself waits, which costs less than asking again. */
const PORT_WAIT_MS = 1000
/** Looking again leaves a connection behind that the service will find closed, so one look is a long one. */
const ACCEPT_WAIT_MS = 10_000
const CPU_TIMEOUT_MS = 5000
/** Of the processor times in /proc, on every architecture that Linux has today. */
const TICKS_PER_SECOND = 100
const EXEC_GRACE_MS = 5000
const NOBODY_LISTENS = 1

/** How an attempt went, and a sentence about it. */
export interface Look {
  ok: boolean
  detail: string
  /** The program that is not in the image, without which no later attempt goes better. */
  missing?: string
  /** Not `ok`, but on its way. */
  isNear?: boolean
}

export interface HttpRequest {
  method: string
  port: number
  path: string
  body?: string
}

/** The inside of a running container. */
export class Inside {
  readonly #container: Container
  readonly #program: string
  /** Without the tracer: what looks at the application is no part of it. */
  readonly #untraced: Readonly<Record<string, string>>

  /**
   * @param probe path of the probe in the container
   * @param preload LD_PRELOAD of the application itself, if any
   */
  constructor(container: Container, probe: string, preload: string | undefined) {
    this.#container = container
    this.#program = probe
    this.#untraced = { LD_PRELOAD: preload ?? '', PYCDS_TRACE_DIR: '', PYCDS_TIME_DIR: '' }
  }

  /**
   * Whether a port is listened on and a connection to it accepted; waits a little for it.
   * @param tell that it is listened on, which long comes first where workers import afterwards
   */
  async port(port: number, tell: (detail: string) => void): Promise<Look> {
    const listens = await this.#probe(['port', String(port), String(PORT_WAIT_MS)], PORT_WAIT_MS)
    if (listens.exitCode !== 0) return describe(listens, 'nobody listens')
    const unaccepted = 'it is listened on, but no connection to it was accepted'
    tell(unaccepted)
    const accepts = await this.#probe(['accept', String(port), String(ACCEPT_WAIT_MS)], ACCEPT_WAIT_MS)
    if (accepts.exitCode === NOBODY_LISTENS) return describe(accepts, 'nobody listens')
    return { ...describe(accepts, unaccepted), isNear: true }
  }

  /** What all processes of the container have used of a processor, in seconds; undefined when it cannot be told. */
  async processorSeconds(): Promise<number | undefined> {
    const { exitCode, output } = await this.#probe(['cpu'], CPU_TIMEOUT_MS)
    return exitCode === 0 && /^\d+$/.test(output) ? Number(output) / TICKS_PER_SECOND : undefined
  }

  /** Makes a request; `ok` when the status is below 400. */
  async http(request: HttpRequest, timeoutMs: number): Promise<Look> {
    const { method, port, path, body } = request
    const words = ['http', method, String(port), path, String(timeoutMs)]
    const result = await this.#probe(body === undefined ? words : [...words, body], timeoutMs)
    const status = /^HTTP\/\S+ (\d+)/.exec(result.output)?.[1]
    if (result.exitCode === 0 && status !== undefined) {
      return { ok: Number(status) < 400, detail: result.output.trim() }
    }
    return describe(result, result.exitCode === NOBODY_LISTENS ? 'nobody listens' : 'no answer')
  }

  /** Runs a program of the image; `ok` when it ends with 0. */
  async run(command: readonly string[], timeoutMs: number, o: { traced: boolean }): Promise<Look> {
    const env = o.traced ? {} : { env: this.#untraced }
    const result = await this.#container.exec({ command, timeoutMs, ...env })
    const { exitCode, output } = result
    const [line = ''] = output.trim().split('\n').slice(-1)
    if (exitCode === null) return { ok: false, detail: output }
    return {
      ok: exitCode === 0,
      detail: `exit code ${exitCode}${line === '' ? '' : `: ${line.slice(0, 200)}`}`,
      ...present({ missing: missingProgram(command, result) }),
    }
  }

  #probe(words: readonly string[], timeoutMs: number): Promise<ExecResult> {
    return this.#container.exec({
      command: [this.#program, ...words],
      env: this.#untraced,
      timeoutMs: timeoutMs + EXEC_GRACE_MS,
    })
  }
}

function describe({ exitCode, output }: ExecResult, failure: string): Look {
  if (exitCode === 0) return { ok: true, detail: '' }
  // Exit codes above those of the probe come from an engine that could not run it.
  const unexpected = exitCode === null || exitCode > 2
  return { ok: false, detail: unexpected ? output.trim() || `exit code ${exitCode}` : failure }
}
