// SPDX-License-Identifier: Apache-2.0
// Starts of containers as the engine starts them, each until its application is ready.
import { type ChildProcessByStdio, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'
import type { Asked } from '../test/helpers/cookbook-rows.js'
import { inRepository } from '../test/helpers/repository.js'
import { type Account, parseUsed, readUsed } from './accounts.js'
import type { Application } from './applications.js'
import { run } from './shell.js'

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
  /** To what it was asked first, or what it has printed. */
  readonly answer: string
}

/** Where one application is started, in one way after the other. */
export interface Place {
  start(program: Program): Promise<ReadyStart>
  /** A program that is no application: until its end. */
  untilEnd(program: Program): Promise<ReadyStart>
  /** What one start writes to both of its streams until it is ready. */
  log(program: Program): Promise<string>
  close(): Promise<void>
}

type Needs = Pick<Application, 'asked' | 'env' | 'folders'>
type Engine = Readonly<Record<string, string>>
type Asker = ChildProcessByStdio<null, Readable, Readable>

/**
 * A container whose network, and whose folders, the application gets: they are there before a start and after it. Who asks must not
 * wait for a network, and it costs the engine more than most starts.
 * @param image has a Python, and what a program that asks imports
 * @param engine variables by which another engine than the one at hand is reached; on this machine too
 */
export async function openPlace(
  image: string,
  application: Needs,
  account: Account,
  engine: Engine = {},
): Promise<Place> {
  const { asked, env = {}, folders = [] } = application
  const docker = (...words: string[]) => run('docker', words, { env: engine })
  const volumes = folders.flatMap((folder) => ['--volume', folder])
  const own = [...variables({ ...env, PYCDS: 'off' }), ...volumes]
  const words = ['--network', 'none', ...own, '--entrypoint', 'python3', image, '-c', WAITS]
  const holder = (await docker('run', '--rm', '--detach', ...words)).trim()
  const pid = (await docker('inspect', '--format', '{{.State.Pid}}', holder)).trim()
  const within = async <T>(program: Program, use: (container: string) => Promise<T>) => {
    const shared = ['--network', `container:${holder}`, '--volumes-from', holder]
    const options = [...account.options, ...shared, ...variables(env)]
    const container = (await docker('create', ...options, ...wordsOf(program))).trim()
    try {
      return await use(container)
    } finally {
      await docker('rm', '--force', '--volumes', container)
    }
  }
  const untilEnd = async (container: string): Promise<ReadyStart> => {
    const used = await readUsed(account)
    const began = process.hrtime.bigint()
    const answer = await docker('start', '--attach', container)
    const readyMs = Number(process.hrtime.bigint() - began) / 1e6
    return { readyMs, cpuMs: (await readUsed(account)) - used, answer }
  }
  const begin = async (container: string) => {
    if (asked === undefined) return await untilEnd(container)
    const used = await readUsed(account)
    const asker = askerOf(asked, { holder, pid, counter: account.counter, engine })
    return await untilAnswer(() => docker('start', container), asker, { asked, used, account })
  }
  return {
    start: (program) => within(program, begin),
    untilEnd: (program) => within(program, untilEnd),
    log: (program) =>
      within(program, async (container) => {
        await begin(container)
        return await run('sh', ['-c', 'docker logs "$0" 2>&1', container], { env: engine })
      }),
    close: async () => {
      await docker('rm', '--force', '--volumes', holder)
    },
  }
}

function variables(env: Readonly<Record<string, string>>): string[] {
  return Object.entries(env).flatMap(([name, value]) => ['--env', `${name}=${value}`])
}

/** The words of `docker create` behind its options. */
export function wordsOf({ image, words, env = {} }: Program): string[] {
  if (words === undefined) return [...variables(env), image]
  const [program = '', ...rest] = words
  return [...variables(env), '--entrypoint', program, image, ...rest]
}

/** Says in its first line that it asks, and in the second what was answered. */
function askerOf(
  asked: Asked,
  { holder, pid, counter, engine }: { holder: string; pid: string; counter: string; engine: Engine },
): Asker {
  const options = {
    stdio: ['ignore', 'pipe', 'pipe'] as ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...engine },
  }
  if ('program' in asked) return spawn('docker', ['exec', holder, 'python3', '-c', asked.program], options)
  const [, port = '', path = ''] = /^(\d+)(\/.*)$/.exec(asked.request) ?? []
  const words = [inRepository('bench/ready.py'), port, path, counter, String(DEADLINE_SECONDS)]
  return spawn('nsenter', [`--net=/proc/${pid}/ns/net`, 'python3', ...words], options)
}

async function untilAnswer(
  begin: () => Promise<unknown>,
  asker: Asker,
  { asked, used, account }: { asked: Asked; used: number; account: Account },
): Promise<ReadyStart> {
  let complaint = ''
  const ended = once(asker, 'exit')
  asker.stderr.setEncoding('utf8').on('data', (text: string) => {
    complaint += text
  })
  const deadline = setTimeout(() => {
    complaint += `no answer in ${DEADLINE_SECONDS} seconds`
    asker.kill()
  }, DEADLINE_SECONDS * 1000)
  try {
    const lines = createInterface({ input: asker.stdout })[Symbol.asyncIterator]()
    await lines.next()
    const began = process.hrtime.bigint()
    await begin()
    const { value } = (await lines.next()) as { value?: string }
    if (value === undefined) throw new Error(complaint.trim() || 'who asks has ended')
    // A program has other things to do than to look at this machine's clock.
    const said = 'request' in asked ? (JSON.parse(value) as Said) : await sayNow(value, account)
    // A program has its end with its answer. To kill what waits for it here would leave it there, with its port.
    if ('program' in asked) await ended
    return {
      readyMs: Number(BigInt(said.at) - began) / 1e6,
      cpuMs: parseUsed(said.used) - used,
      answer: said.answer,
    }
  } finally {
    clearTimeout(deadline)
    asker.kill()
  }
}

/** As bench/ready.py says it. */
interface Said {
  readonly at: string
  readonly used: string
  readonly answer: string
}

async function sayNow(answer: string, account: Account): Promise<Said> {
  const at = String(process.hrtime.bigint())
  const used = account.counter === '' ? '0' : await readFile(account.counter, 'utf8')
  return { at, used, answer }
}
