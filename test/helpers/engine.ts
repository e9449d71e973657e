// SPDX-License-Identifier: Apache-2.0
// The engine at hand through its own client.
import type { ExecutionContext } from 'ava'
import { run } from './run.js'

/** Runs the engine's client; rejects when it fails. */
export async function docker(...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await run('docker', args)
  if (code !== 0) throw new Error(`docker ${args.join(' ')}: ${stderr}`)
  return stdout.trim()
}

let names = 0

/** A name for an image, which is removed when the test ends. */
export function imageName(t: Pick<ExecutionContext, 'teardown'>, env: NodeJS.ProcessEnv = {}): string {
  names += 1
  const name = `pycds-test-out:${process.pid}-${names}`
  t.teardown(() => run('docker', ['image', 'rm', '--force', name], { env }).then(() => undefined))
  return name
}

/** Whether the engine has an image. */
export async function hasImage(name: string): Promise<boolean> {
  return (await run('docker', ['image', 'inspect', name])).code === 0
}
