// SPDX-License-Identifier: Apache-2.0
// The frontend as BuildKit starts it: a process whose standard input and output are the connection.
import { type ChildProcessByStdio, spawn } from 'node:child_process'
import { once } from 'node:events'
import { Duplex, type Readable, type Writable } from 'node:stream'
import { inRepository } from './repository.js'

const ENTRY = inRepository('dist/bin/frontend.js')
const DEADLINE_MS = 60_000

export interface FrontendProcess {
  readonly child: ChildProcessByStdio<Writable, Readable, Readable>
  /** The builder's end of the connection. */
  readonly connection: Duplex
  /** How it ended, and what the builder's log would have of it. */
  readonly end: Promise<{ code: number | null; signal: NodeJS.Signals | null; stderr: string }>
}

/** Starts it with the given options of a build. */
export function startFrontend(
  options: Readonly<Record<string, string>>,
  env: NodeJS.ProcessEnv = { BUILDKIT_SESSION_ID: 's1' },
): FrontendProcess {
  const numbered = Object.entries(options).map(([name, value], index) => [
    `BUILDKIT_FRONTEND_OPT_${index}`,
    `${name}=${value}`,
  ])
  const child = spawn(process.execPath, [ENTRY], {
    env: { PATH: process.env.PATH, ...env, ...Object.fromEntries(numbered) },
    stdio: ['pipe', 'pipe', 'pipe'],
    timeout: DEADLINE_MS,
    killSignal: 'SIGKILL',
  })
  let stderr = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text
  })
  // What it cannot take any more is of no interest.
  child.stdin.on('error', () => {})
  return {
    child,
    connection: Duplex.from({ readable: child.stdout, writable: child.stdin }),
    // Not 'close', which waits for somebody to read what is left of standard output.
    end: Promise.all([once(child, 'exit'), once(child.stderr, 'end')]).then(([[code, signal]]) => ({
      code,
      signal,
      stderr,
    })),
  }
}
