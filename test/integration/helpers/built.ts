// SPDX-License-Identifier: Apache-2.0
// The built command line and the engine's client, as a user has them.
import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import type { ExecutionContext } from 'ava'

const CLI = fileURLToPath(new URL('../../../dist/bin/run.js', import.meta.url))
const DEADLINE_MS = 5 * 60_000

export interface Outcome {
  code: number | null
  stdout: string
  stderr: string
}

/** Runs `pycds-image` to its end. */
export function pycds(...args: string[]): Promise<Outcome> {
  return run(process.execPath, [CLI, ...args])
}

/** Runs the engine's client; rejects when it fails. */
export async function docker(...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await run('docker', args)
  if (code !== 0) throw new Error(`docker ${args.join(' ')}: ${stderr}`)
  return stdout.trim()
}

let names = 0

/** A name for an image that is removed when the test ends. */
export function outputName(t: ExecutionContext): string {
  names += 1
  const name = `pycds-test-built:${process.pid}-${names}`
  t.teardown(() => run('docker', ['image', 'rm', '--force', name]).then(() => undefined))
  return name
}

function run(file: string, args: readonly string[]): Promise<Outcome> {
  return new Promise((resolve) => {
    execFile(file, args, { timeout: DEADLINE_MS, maxBuffer: 2 ** 28 }, (error, stdout, stderr) => {
      resolve({ code: error ? (typeof error.code === 'number' ? error.code : null) : 0, stdout, stderr })
    })
  })
}
