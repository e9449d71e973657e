// SPDX-License-Identifier: Apache-2.0
// Programs of this machine: found, started and waited for.
import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { constants } from 'node:fs'
import { access } from 'node:fs/promises'
import { delimiter, join } from 'node:path'
import type { Writable } from 'node:stream'
import type { Launch } from './runtimes/runtime.js'

/** Where system programs lie that are not on the PATH of every user. */
const SYSTEM_DIRECTORIES = ['/usr/local/sbin', '/usr/sbin', '/sbin', '/usr/bin', '/bin']

/** Finds a program; undefined when it is not installed. */
export async function findProgram(name: string): Promise<string | undefined> {
  const directories = [...(process.env.PATH ?? '').split(delimiter), ...SYSTEM_DIRECTORIES]
  for (const directory of directories.filter((one) => one.startsWith('/'))) {
    const path = join(directory, name)
    const usable = await access(path, constants.X_OK).then(
      () => true,
      () => false,
    )
    if (usable) return path
  }
  return undefined
}

/** How a short program ended. */
export interface Outcome {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

/** Runs a program to its end, or to the end of its time; never rejects. */
export function runProgram(file: string, args: readonly string[], timeout = 30_000): Promise<Outcome> {
  return new Promise((resolve) => {
    execFile(
      file,
      [...args],
      { timeout, killSignal: 'SIGKILL', env: ownEnvironment() },
      (error, stdout, stderr) => {
        const code = error === null ? 0 : typeof error.code === 'number' ? error.code : null
        resolve({ code, stdout, stderr: stderr || (error?.message ?? '') })
      },
    )
  })
}

/** Starts a program whose output is piped; its descriptors 3 and 4 are pipes to and from it. */
export function startProgram({ file, args, input }: Launch): ChildProcess {
  const child = spawn(file, [...args], {
    stdio: ['ignore', 'pipe', 'pipe', 'pipe', 'pipe'],
    env: ownEnvironment(),
    // A Ctrl-C is for this program, which then stops its containers in order.
    detached: true,
  })
  const toChild = child.stdio[3] as Writable | undefined
  toChild?.on('error', () => {}) // a child that has ended reads no more
  toChild?.end(input)
  return child
}

/** Nothing of an image's environment may reach programs of this machine, and nothing of ours is needed by them. */
function ownEnvironment(): NodeJS.ProcessEnv {
  const { PATH, HOME, XDG_RUNTIME_DIR, TMPDIR } = process.env
  const given = { PATH: `${PATH ?? ''}:${SYSTEM_DIRECTORIES.join(':')}`, HOME, XDG_RUNTIME_DIR, TMPDIR }
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined))
}
