// SPDX-License-Identifier: Apache-2.0
// A process in mount and process namespaces of its own: directories of the interpreter are covered by others, and
// whatever it has started is gone when it has ended.
import { spawn } from 'node:child_process'
import { closeSync, openSync, readFileSync } from 'node:fs'
import { constants } from 'node:os'

/** Directories by the path that they cover. */
export type Covers = Readonly<Record<string, string>>

export interface Command {
  readonly argv: readonly string[]
  readonly cwd: string
  /** The whole environment. */
  readonly env: Readonly<Record<string, string>>
  readonly covers: Covers
  /** Where its output goes: a file is not held open by what it leaves behind. */
  readonly output: string
  readonly limitSeconds: number
}

export interface Ended {
  /** Null for one that did not end by itself in its time. */
  readonly code: number | null
  readonly signal: string | undefined
  readonly seconds: number
  readonly output: string
}

/** The first process of a namespace must take in what others leave, so it is not the program itself. */
const INIT =
  'while [ "$1" != -- ]; do mount --bind "$2" "$1" || exit 125; shift 2; done; shift; cd "$1" && shift; "$@"; exit $?'
/** How a shell tells that a signal has ended a program. */
const SIGNALLED = 128

/** Why no namespaces can be made here; undefined when they can. */
export async function cannotConfine(output: string): Promise<string | undefined> {
  const ended = await runConfined({
    ...{ argv: ['true'], cwd: '/', env: { PATH: process.env.PATH ?? '' }, covers: {} },
    ...{ output, limitSeconds: 60 },
  })
  return ended.code === 0 ? undefined : `no namespaces can be made (unshare): ${ended.output.trim()}`
}

/** Runs a program to its end, or to that of its time, with all that it has started. */
export async function runConfined(command: Command): Promise<Ended> {
  const begun = performance.now()
  const output = openSync(command.output, 'w')
  const covers = Object.entries(command.covers).flat()
  const root = process.getuid?.() === 0 ? [] : ['--map-root-user']
  // What is to be loaded into the program may not fit into those that come before it.
  const isForLoader = ([name]: [string, string]) => name.startsWith('LD_')
  const env = Object.entries(command.env)
  const loader = env.filter(isForLoader).map(([name, value]) => `${name}=${value}`)
  const child = spawn(
    'unshare',
    [
      ...[...root, '--mount', '--pid', '--fork', '--kill-child=SIGKILL', '--mount-proc'],
      ...['sh', '-c', INIT, 'sh', ...covers, '--', command.cwd],
      ...[...(loader.length > 0 ? ['env', ...loader] : []), ...command.argv],
    ],
    {
      cwd: '/',
      env: Object.fromEntries(env.filter((one) => !isForLoader(one))),
      stdio: ['ignore', output, output],
    },
  )
  closeSync(output)
  const kill = () => child.kill('SIGKILL')
  // Before anything that removes its files.
  process.prependOnceListener('exit', kill)
  const timer = setTimeout(kill, command.limitSeconds * 1000)
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject)
    child.once('exit', resolve)
  }).finally(() => {
    clearTimeout(timer)
    process.off('exit', kill)
  })
  return {
    code,
    signal: code === null ? undefined : signalOf(code),
    seconds: (performance.now() - begun) / 1000,
    output: readFileSync(command.output, 'utf8'),
  }
}

function signalOf(code: number): string | undefined {
  const number = code - SIGNALLED
  return Object.entries(constants.signals).find(([, one]) => one === number)?.[0]
}
