// SPDX-License-Identifier: Apache-2.0
// Starts of containers as the engine starts them, each until its application is ready.
import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { type Account, parseUsed, readUsed } from './accounts.js'
import { ROOT, run } from './shell.js'

const DEADLINE_SECONDS = 120
/** Not for ever: an interrupted run leaves it. */
const WAITS = 'import time; time.sleep(3600)'

/** What is started. */
export interface Program {
  readonly image: string
  /** Replaces the image's entrypoint and command. */
  readonly words?: readonly string[]
  readonly env?: Readonly<Record<string, string>>
}

/** One start. */
export interface ReadyStart {
  /** Milliseconds from the call of the engine until it was ready. */
  readonly readyMs: number
  /** Of the processor, of the whole container, until then. */
  readonly cpuMs: number
  /** To the first request, or what it has printed. */
  readonly answer: string
}

/** Where applications are started, one after the other. */
export interface Place {
  start(program: Program, request: string | undefined): Promise<ReadyStart>
  /** What one start writes to both of its streams until it is ready. */
  log(program: Program, request: string | undefined): Promise<string>
  close(): Promise<void>
}

/**
 * A network that is there before a start and after it: who asks must not wait for it, and it costs the engine more than
 * most starts.
 * @param image has a Python
 */
export async function openPlace(image: string, account: Account): Promise<Place> {
  const words = ['--network', 'none', '--entrypoint', 'python3', '--env', 'PYCDS=off', image, '-c', WAITS]
  const holder = (await run('docker', ['run', '--rm', '--detach', ...words])).trim()
  const pid = (await run('docker', ['inspect', '--format', '{{.State.Pid}}', holder])).trim()
  const within = async <T>(program: Program, use: (container: string) => Promise<T>) => {
    const options = [...account.options, '--network', `container:${holder}`]
    const container = (await run('docker', ['create', ...options, ...wordsOf(program)])).trim()
    try {
      return await use(container)
    } finally {
      await run('docker', ['rm', '--force', '--volumes', container])
    }
  }
  const begin = (container: string, request: string | undefined) =>
    request === undefined
      ? untilEnd(container, account)
      : untilAnswer(container, request, { pid, counter: account.counter, used: readUsed(account) })
  return {
    start: (program, request) => within(program, (container) => begin(container, request)),
    log: (program, request) =>
      within(program, async (container) => {
        await begin(container, request)
        return await run('sh', ['-c', 'docker logs "$0" 2>&1', container])
      }),
    close: async () => {
      await run('docker', ['rm', '--force', holder])
    },
  }
}

/** The words of `docker create` behind its options. */
export function wordsOf({ image, words, env = {} }: Program): string[] {
  const variables = Object.entries(env).flatMap(([name, value]) => ['--env', `${name}=${value}`])
  if (words === undefined) return [...variables, image]
  const [program = '', ...rest] = words
  return [...variables, '--entrypoint', program, image, ...rest]
}

async function untilEnd(container: string, account: Account): Promise<ReadyStart> {
  const used = await readUsed(account)
  const began = process.hrtime.bigint()
  const answer = await run('docker', ['start', '--attach', container])
  const readyMs = Number(process.hrtime.bigint() - began) / 1e6
  return { readyMs, cpuMs: (await readUsed(account)) - used, answer }
}

async function untilAnswer(
  container: string,
  request: string,
  { pid, counter, used }: { pid: string; counter: string; used: Promise<number> },
): Promise<ReadyStart> {
  const before = await used
  const [, port = '', path = ''] = /^(\d+)(\/.*)$/.exec(request) ?? []
  const asks = ['python3', `${ROOT}/bench/ready.py`, port, path, counter, String(DEADLINE_SECONDS)]
  const child = spawn('nsenter', [`--net=/proc/${pid}/ns/net`, ...asks], {
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let complaint = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    complaint += text
  })
  try {
    const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
    await lines.next()
    const began = process.hrtime.bigint()
    await run('docker', ['start', container])
    const { value } = (await lines.next()) as { value?: string }
    if (value === undefined) throw new Error(complaint.trim() || 'who asks has ended')
    const said = JSON.parse(value) as { at: string; used: string; answer: string }
    return {
      readyMs: Number(BigInt(said.at) - began) / 1e6,
      cpuMs: parseUsed(said.used) - before,
      answer: said.answer,
    }
  } finally {
    child.kill()
  }
}
