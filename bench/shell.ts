// SPDX-License-Identifier: Apache-2.0
import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'

/** The checkout that is measured. */
export const ROOT = fileURLToPath(new URL('..', import.meta.url)).replace(/\/$/, '')

export interface RunOptions {
  input?: string | undefined
  env?: Readonly<Record<string, string>>
  cwd?: string
  /** Show what it says on stderr while it runs. */
  verbose?: boolean
  /** Ends it before its time. */
  signal?: AbortSignal | undefined
}

export class CommandFailed extends Error {
  constructor(
    command: string,
    readonly exitCode: number | null,
    /** The last lines that it wrote. */
    readonly said: string,
  ) {
    super(`${command} failed (${exitCode ?? 'killed'}): ${said}`)
  }
}

/** Runs a program to its end and returns its stdout; rejects with what it said when it fails. */
export function run(command: string, args: readonly string[], options: RunOptions = {}): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      ...{ cwd: options.cwd ?? ROOT, signal: options.signal },
      env: { ...process.env, ...options.env },
      stdio: ['pipe', 'pipe', options.verbose ? 'inherit' : 'pipe'],
    })
    let stdout = ''
    let stderr = ''
    child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      stdout += text
    })
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      stderr = `${stderr}${text}`.slice(-4000)
    })
    child.on('error', reject)
    child.on('close', (code) => {
      if (code === 0) resolve(stdout)
      else reject(new CommandFailed(command, code, (stderr || stdout).trim().slice(-1500)))
    })
    child.stdin?.on('error', () => {}) // it ended without reading; its exit code tells
    child.stdin?.end(options.input ?? '')
  })
}
