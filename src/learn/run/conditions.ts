// SPDX-License-Identifier: Apache-2.0
// The conditions of a run that need looking: each goes on looking by itself until it holds,
// and can say at any time how far it has come.
import { LineSplitter, withoutEnd } from '../../util/lines.js'
import type { Look } from './inside.js'
import type { ReadySpec } from './ready.js'

/** How a run looks into its container for one condition. */
export interface Looker {
  /** @param tell how far one has come that takes its time */
  look(tell: (detail: string) => void): Promise<Look>
  /** Between two looks. */
  pauseMs: number
  /** Looks in a row that must succeed: a health check that flaps is not health. */
  passes: number
}

/** A condition that is being watched. */
export interface Condition {
  readonly spec: ReadySpec
  holds: boolean
  /** The program that it cannot be looked at without, and that is not in the image. */
  missing?: string
  /** An error of the engine, which ends the run. */
  error?: unknown
  /** Whether something has answered that is still starting, as far as can be told. */
  readonly isNear?: boolean
  /** Why it does not hold yet, as the end of a sentence. */
  describe(): string
}

/** So many looks in a row without its program are enough. */
const LOOKS_FOR_MISSING = 4

/** Looks again and again until `spec` holds or `signal` aborts; a condition that fails goes on being watched. */
export function poll(spec: ReadySpec, name: string, looker: Looker, signal: AbortSignal): Condition {
  const seen = { looks: 0, passed: 0, row: 0, missing: 0, last: 'not looked at yet', isNear: false }
  const condition: Condition = {
    spec,
    holds: false,
    get isNear() {
      return seen.isNear
    },
    describe() {
      if (seen.passed === 0) return `${name}: ${seen.last}`
      return `${name}: it passed ${seen.passed} of ${seen.looks} times, never ${looker.passes} times in a row`
    },
  }
  const run = async () => {
    while (!signal.aborted && !condition.holds && condition.missing === undefined) {
      const { ok, detail, missing, isNear } = await looker.look((so) => {
        Object.assign(seen, { last: so, isNear: true })
      })
      seen.isNear = isNear === true
      seen.looks += 1
      // An entrypoint may be about to make it.
      seen.missing = missing === undefined ? 0 : seen.missing + 1
      if (missing !== undefined && seen.missing >= LOOKS_FOR_MISSING) condition.missing = missing
      seen.row = ok ? seen.row + 1 : 0
      if (ok) seen.passed += 1
      else seen.last = detail
      condition.holds = seen.row >= looker.passes
      if (!condition.holds) await pause(looker.pauseMs, signal)
    }
  }
  run().catch((error) => {
    condition.error = error
  })
  return condition
}

/** A condition on the output, and the function that is to be given all of it. */
export function matchOutput(
  spec: ReadySpec & { kind: 'log' },
): Condition & { push(stream: 'stdout' | 'stderr', chunk: Buffer): void } {
  const streams = { stdout: new LineMatcher(spec.pattern), stderr: new LineMatcher(spec.pattern) }
  return {
    spec,
    get holds() {
      return streams.stdout.found || streams.stderr.found
    },
    set holds(_) {},
    describe: () => `no line of its output matched ${spec.pattern}`,
    push: (stream, chunk) => streams[stream].push(chunk),
  }
}

/** What comes after this in one line is not looked at, so that an endless one cannot fill the memory. */
const MAX_LINE_LENGTH = 64 * 1024

class LineMatcher {
  found = false
  readonly #pattern: RegExp
  readonly #splitter = new LineSplitter(MAX_LINE_LENGTH)
  /** Whether what comes next continues a line whose beginning was looked at. */
  #continues = false

  constructor(pattern: RegExp) {
    // Without the flags that make a search depend on the one before it.
    this.#pattern = new RegExp(pattern.source, pattern.flags.replace(/[gy]/g, ''))
  }

  /** The last line counts without its end: prompts have none. */
  push(chunk: Buffer): void {
    if (this.found) return
    for (const line of this.#splitter.push(chunk)) {
      this.#look(line)
      this.#continues = !line.endsWith('\n')
    }
    this.#look(this.#splitter.rest)
  }

  #look(line: string): void {
    if (!this.#continues && this.#pattern.test(withoutEnd(line))) this.found = true
  }
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const end = () => {
      clearTimeout(timer)
      signal.removeEventListener('abort', end)
      resolve()
    }
    const timer = setTimeout(end, ms)
    signal.addEventListener('abort', end)
  })
}
