// SPDX-License-Identifier: Apache-2.0
// A process in mount and process namespaces of its own: directories of the interpreter are covered by others, and
// whatever it has started is gone when it has ended.
import { type ChildProcess, spawn } from 'node:child_process'
import { closeSync, fstatSync, openSync, readFileSync, readSync } from 'node:fs'
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
  /** Ends it before its time. */
  readonly interruption?: AbortSignal | undefined
}

export interface Ended {
  /** Null for one that did not end by itself in its time, or that another has killed with all the rest. */
  readonly code: number | null
  /** The time that it had, where that is why it has ended. */
  readonly lateSeconds: number | undefined
  readonly signal: string | undefined
  readonly seconds: number
  readonly output: string
}

/** The first process of a namespace must take in what others leave, so it is not the program itself. */
const INIT =
  'while [ "$1" != -- ]; do mount --bind "$2" "$1" || exit 125; shift 2; done; shift; cd "$1" && shift; "$@"; exit $?'
/** How a shell tells that a signal has ended a program. */
const SIGNALLED = 128

/** How much is kept of either end of an output: a test may write without end. */
const KEPT_BYTES = 1 << 20

/** Why no namespaces can be made here; undefined when they can. */
export async function cannotConfine(output: string): Promise<string | undefined> {
  const told = await runConfined({
    ...{ argv: ['true'], cwd: '/', env: { PATH: process.env.PATH ?? '' }, covers: {} },
    ...{ output, limitSeconds: 60 },
  }).then(
    (ended) => (ended.code === 0 ? undefined : ended.output.trim()),
    (error: NodeJS.ErrnoException) => (error.code === 'ENOENT' ? error.message : Promise.reject(error)),
  )
  return told === undefined ? undefined : `no namespaces can be made (setpriv, unshare): ${told}`
}

/**
 * Runs a program to its end, or to that of its time, with all that it has started.
 * @throws the reason of the interruption, when nothing of it is left
 */
export async function runConfined(command: Command): Promise<Ended> {
  command.interruption?.throwIfAborted()
  const begun = performance.now()
  const output = openSync(command.output, 'w')
  const covers = Object.entries(command.covers).flat()
  const root = process.getuid?.() === 0 ? [] : ['--map-root-user']
  // What is to be loaded into the program may not fit into those that come before it.
  const isForLoader = ([name]: [string, string]) => name.startsWith('LD_')
  const env = Object.entries(command.env)
  const loader = env.filter(isForLoader).map(([name, value]) => `${name}=${value}`)
  const child = spawn(
    'setpriv',
    [
      // However this process ends, nothing of what it has started goes on.
      ...['--pdeathsig', 'KILL', 'unshare'],
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
  const kill = () => killAll(child)
  let isLate = false
  const timer = setTimeout(() => {
    isLate = true
    kill()
  }, command.limitSeconds * 1000)
  command.interruption?.addEventListener('abort', kill)
  process.once('exit', kill)
  const itsCode = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject)
    child.once('exit', resolve)
  }).finally(() => {
    clearTimeout(timer)
    command.interruption?.removeEventListener('abort', kill)
    process.off('exit', kill)
  })
  command.interruption?.throwIfAborted()
  // What has waited for something that was killed has a code of its own.
  const code = isLate ? null : itsCode
  return {
    code,
    lateSeconds: isLate ? command.limitSeconds : undefined,
    signal: code === null ? undefined : signalOf(code),
    seconds: (performance.now() - begun) / 1000,
    output: readEnds(command.output),
  }
}

/** What a file holds, without the middle of one that is too long to be of use. */
function readEnds(path: string): string {
  const file = openSync(path, 'r')
  try {
    const { size } = fstatSync(file)
    const read = (from: number, bytes: number) => {
      const buffer = Buffer.alloc(bytes)
      return buffer.subarray(0, readSync(file, buffer, 0, bytes, from)).toString()
    }
    if (size <= 2 * KEPT_BYTES) return read(0, size)
    const left = `\n[${size - 2 * KEPT_BYTES} bytes left out]\n`
    return read(0, KEPT_BYTES) + left + read(size - KEPT_BYTES, KEPT_BYTES)
  } finally {
    closeSync(file)
  }
}

/**
 * Kills the first process of the namespace, and thereby all others. Who waits for it then waits for all of them: the kernel
 * reports its end when the namespace is empty, and until then they may still be writing.
 */
function killAll(unshare: ChildProcess): void {
  for (const pid of childrenOf(unshare.pid)) {
    try {
      process.kill(pid, 'SIGKILL')
      return
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
    }
  }
  // It has not come so far, or has ended.
  unshare.kill('SIGKILL')
}

function childrenOf(pid: number | undefined): number[] {
  try {
    return readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').filter(Boolean).map(Number)
  } catch {
    return []
  }
}

function signalOf(code: number): string | undefined {
  const number = code - SIGNALLED
  return Object.entries(constants.signals).find(([, one]) => one === number)?.[0]
}
