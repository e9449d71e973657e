// SPDX-License-Identifier: Apache-2.0
import { type ChildProcess, spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'

const ENTRY = fileURLToPath(new URL('../../src/bin/dev.ts', import.meta.url))
const TSX = import.meta.resolve('tsx')

/** A finished run of the command line. */
export interface CliRun {
  exitCode: number | null
  signal: NodeJS.Signals | null
  stdout: string
  stderr: string
}

/** How the command line is run. */
export interface CliOptions {
  /** Added to a small, known environment; nothing of the tester's own settings leaks in but PATH and HOME. */
  env?: Record<string, string>
  cwd?: string
  /** Given the process as soon as it runs, to signal it. */
  onStart?: (child: ChildProcess) => void
  /** The process is killed after this time. */
  deadlineMs?: number
}

/** Runs `pycds-image` from the sources (no build needed) in a process of its own, without a terminal. */
export function runCli(args: readonly string[], options: CliOptions = {}): Promise<CliRun> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [`--import=${TSX}`, ENTRY, ...args], {
      cwd: options.cwd,
      env: { PATH: process.env.PATH, HOME: process.env.HOME, COLUMNS: '120', ...options.env },
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: options.deadlineMs ?? 60_000,
      killSignal: 'SIGKILL',
    })
    let stdout = ''
    let stderr = ''
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      stdout += text
    })
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr += text
    })
    child.on('error', reject)
    child.on('close', (exitCode, signal) => resolve({ exitCode, signal, stdout, stderr }))
    options.onStart?.(child)
  })
}
