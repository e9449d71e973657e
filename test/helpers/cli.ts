// SPDX-License-Identifier: Apache-2.0
// The command line as it is shipped.
import type { ChildProcess } from 'node:child_process'
import type { ExecutionContext } from 'ava'
import type { BakeResult } from '../../src/usecases/result.js'
import type { VerifyResult } from '../../src/usecases/verify.js'
import { inRepository } from './repository.js'
import { type Outcome, type RunOptions, run } from './run.js'

export const CLI = inRepository('dist/bin/run.js')

/** The processes that were started from here: what one of them leaves behind carries its number. */
export const startedPids = new Set<number>()

export interface CliOptions extends RunOptions {
  /** Words in front of the command line: a program that runs it. */
  machine?: readonly string[]
}

/** Runs `pycds-image` to its end, with the environment of this process. */
export function pycds(args: readonly string[], o: CliOptions = {}): Promise<Outcome> {
  const [program = '', ...words] = [...(o.machine ?? []), process.execPath, CLI, ...args]
  const onStart = (child: ChildProcess) => {
    startedPids.add(child.pid ?? 0)
    o.onStart?.(child)
  }
  return run(program, words, { ...o, onStart })
}

/** The same in a small, known environment: nothing of the tester's own settings but PATH and HOME. */
export function pycdsAlone(args: readonly string[], o: CliOptions = {}): Promise<Outcome> {
  const { PATH, HOME } = process.env
  return pycds(args, { ...o, wholeEnv: { PATH, HOME, COLUMNS: '120', ...o.env } })
}

/** Bakes, which must succeed, without measuring. */
export async function bakes(
  t: Pick<ExecutionContext, 'is'>,
  args: readonly string[],
  o: CliOptions = {},
): Promise<BakeResult> {
  const [image = '', ...more] = args
  const { code, stdout, stderr } = await pycds(['bake', image, '--json', '--measure', '0', ...more], o)
  t.is(code, 0, stdout + stderr)
  return JSON.parse(stdout) as BakeResult
}

/** Verifies, which must succeed, that a start takes as many percent of its modules from the archive. */
export async function verifies(
  t: Pick<ExecutionContext, 'is'>,
  image: string,
  rate: number,
  args: readonly string[] = [],
  o: CliOptions = {},
): Promise<VerifyResult> {
  const { code, stdout, stderr } = await pycds(
    ['verify', image, '--min-hit-rate', String(rate), '--json', ...args],
    o,
  )
  t.is(code, 0, stdout + stderr)
  const result = JSON.parse(stdout) as VerifyResult
  t.is(result.ok, true)
  return result
}

/** Sends a signal as soon as the process has written a text to its standard error; once, since a second one hurries. */
export function signalWhenSaid(text: string, signal: NodeJS.Signals): (child: ChildProcess) => void {
  return (child) => {
    void untilSaid(child, text).then(() => child.kill(signal))
  }
}

/** Waits until a process has written a text to its standard error, or has ended. */
export function untilSaid(child: ChildProcess, text: string): Promise<boolean> {
  return new Promise((resolve) => {
    let said = ''
    child.stderr?.on('data', (chunk: Buffer | string) => {
      said += chunk.toString()
      if (said.includes(text)) resolve(true)
    })
    child.once('exit', () => resolve(false))
  })
}
