// SPDX-License-Identifier: Apache-2.0
// Programs of this machine: what they are given and how they ended.
import { type ChildProcess, execFile } from 'node:child_process'
import { inRepository } from './repository.js'

/** How long a program may take on a busy machine: a bake with a snapshot beside twenty other processes was not done in five minutes. */
export const DEADLINE_MS = 15 * 60_000

/** How scripts say that something cannot be made on this machine, as opposed to a failure. */
export const NOT_POSSIBLE = 77

export interface Outcome {
  /** The exit code; null for a program that a signal has ended. */
  code: number | null
  stdout: string
  /** What it wrote, and a line that says so when it was ended from here. */
  stderr: string
}

export interface RunOptions {
  /** Added to the environment of this process. */
  env?: NodeJS.ProcessEnv
  /** The whole environment, instead. */
  wholeEnv?: NodeJS.ProcessEnv
  cwd?: string
  /** The program's standard input. */
  input?: string
  deadlineMs?: number
  /** Given the process as soon as it runs, to signal it. */
  onStart?: (child: ChildProcess) => void
}

/** Runs a program to its end. What cannot be started ends with null. */
export function run(file: string, args: readonly string[], o: RunOptions = {}): Promise<Outcome> {
  const timeout = o.deadlineMs ?? DEADLINE_MS
  const env = o.wholeEnv ?? { ...process.env, ...o.env }
  const start = performance.now()
  return new Promise((resolve) => {
    const options = { env, timeout, maxBuffer: 2 ** 28, killSignal: 'SIGKILL', cwd: o.cwd } as const
    const child = execFile(file, args, options, (error, stdout, stderr) => {
      // Node calls it a success where the program has ended well and another still holds its streams.
      if (error === null && performance.now() - start >= timeout) {
        return resolve({
          code: null,
          stdout,
          stderr: `${stderr}\n${file}: its streams were open for ${timeout} ms\n`,
        })
      }
      if (error === null) return resolve({ code: 0, stdout, stderr })
      if (typeof error.code === 'number') return resolve({ code: error.code, stdout, stderr })
      const reason = error.killed ? `${file} was ended after ${timeout} ms` : `${file}: ${error.message}`
      resolve({ code: null, stdout, stderr: `${stderr}\n${reason}\n` })
    })
    child.stdin?.on('error', () => {}) // it did not want to read
    child.stdin?.end(o.input ?? '')
    o.onStart?.(child)
  })
}

/** Runs a script of this repository, which uses what is there, and neither installs nor starts anything. */
export function runScript(name: string, ...args: string[]): Promise<Outcome> {
  return run('bash', [inRepository(`scripts/${name}`), ...args], { env: { PYCDS_NO_INSTALL: '1' } })
}

/** Whether a program is installed. */
export async function has(program: string): Promise<boolean> {
  return (await run(program, ['--version'])).code === 0
}
