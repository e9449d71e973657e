// SPDX-License-Identifier: Apache-2.0
// A container over an unpacked root. Before it is started its files are those of the image, and told by the image
// itself: owners, modes and times are right even where the disk cannot have them.
import { once } from 'node:events'
import { constants } from 'node:os'
import { posix } from 'node:path'
import { PycdsError } from '../../errors/index.js'
import { withRoom } from '../../oci/index.js'
import type {
  Container,
  ExecResult,
  ExecSpec,
  LinkStat,
  OutputListener,
  PathStat,
} from '../../ports/index.js'
import { findInside, readInside, readLinkInside, readTreeInside, type Tree } from '../../rootfs/index.js'
import { FILE_KINDS, isOfKind } from '../../util/file-mode.js'
import { present } from '../../util/present.js'
import { execute } from './exec.js'
import { differencesOf, type Root } from './roots.js'
import type { RunPlan } from './run-plan.js'
import type { Run, Runtime } from './runtimes/runtime.js'
import { startFailure } from './start-failure.js'

/** The last bytes are on their way when the command has ended; a child that kept the pipe must not hold us. */
const OUTPUT_DEADLINE_MS = 5000
/** The kinds of files, by the names that they have in tar archives. */
const KINDS = { file: 'regular', directory: 'directory', symlink: 'symlink' } as const

/** What the engine gives a container. */
export interface LocalContainerParts {
  /** How it is run, in a root that it is given when it starts. */
  readonly plan: Omit<RunPlan, 'root' | 'ownersKept'>
  /** The files of the image. */
  readonly tree: Tree
  /** The root that it has from the beginning, with files put into it; absent: it gets one when it starts. */
  readonly root?: Root
  /** Lends a root that is as the image is. */
  lend(): Promise<Root>
  /** The same for reading, to be shared with others. */
  read<T>(use: (root: Root) => Promise<T>): Promise<T>
  readonly subject: string
  readonly stopSignal: string
  /** Makes a root ready for the mounts of a run. */
  prepare(plan: RunPlan, root: Root): Promise<void>
  /** The runtime, chosen when it is first needed; rejects where none works. */
  runtime(): Promise<Runtime>
}

export class LocalContainer implements Container {
  readonly id: string
  readonly parts: LocalContainerParts
  /** Its own root; undefined as long as it only reads. */
  root: Root | undefined
  #run: Run | undefined
  #pid: number | undefined
  #hasEnded = false
  /** Whether the root may differ from the image. */
  touched: boolean
  readonly #exit: Promise<{ exitCode: number }>
  #settleExit: (exit: Promise<{ exitCode: number }>) => void = () => {}

  constructor(parts: LocalContainerParts, touched: boolean) {
    this.id = parts.plan.id
    this.parts = parts
    this.touched = touched
    this.root = parts.root
    this.#exit = new Promise((resolve) => {
      this.#settleExit = resolve
    })
    this.#exit.catch(() => {}) // whoever waits gets the failure; nobody has to wait
  }

  async start(onOutput?: OutputListener): Promise<void> {
    const { subject } = this.parts
    const runtime = await this.parts.runtime()
    const root = this.root ?? (await withRoom(() => this.parts.lend()))
    this.root = root
    const plan: RunPlan = this.plan
    this.touched = true
    const run = await withRoom(async () => {
      await this.parts.prepare(plan, root)
      return await runtime.run(plan)
    })
    this.#run = run
    const ended = awaitExit(run.child, onOutput)
    const started = await run.started
    if ('failure' in started) {
      run.child.kill('SIGKILL')
      await ended
      this.#hasEnded = true
      const error = startFailure(started.failure, subject, plan.command[0], runtime.name)
      this.#settleExit(Promise.reject(error))
      throw error
    }
    this.#pid = started.pid
    this.#settleExit(
      ended.then((exitCode) => {
        this.#hasEnded = true
        return { exitCode }
      }),
    )
  }

  /** In the root that it has. */
  get plan(): RunPlan {
    return {
      ...this.parts.plan,
      root: this.root?.directory ?? '',
      ownersKept: this.root?.ownersKept ?? false,
    }
  }

  wait(): Promise<{ exitCode: number }> {
    return this.#exit
  }

  async exec(spec: ExecSpec): Promise<ExecResult> {
    if (this.#run === undefined || this.#hasEnded)
      return { exitCode: null, output: 'the container has ended' }
    const runtime = await this.parts.runtime()
    return await execute(await runtime.exec(this.plan, this.#pid, spec), spec, () => this.#hasEnded)
  }

  async stop(graceSeconds: number): Promise<void> {
    if (this.#run === undefined || this.#hasEnded) return
    const runtime = await this.parts.runtime()
    const { plan } = this
    const { stopSignal } = this.parts
    if (graceSeconds > 0) {
      await runtime.kill(plan, this.#pid, signalOf(stopSignal))
      const deadline = AbortSignal.timeout(graceSeconds * 1000)
      await Promise.race([this.#exit.catch(() => {}), once(deadline, 'abort')])
    }
    if (!this.#hasEnded) await runtime.kill(plan, this.#pid, 'SIGKILL')
    await this.#exit.catch(() => {})
  }

  async stat(path: string): Promise<PathStat | undefined> {
    if (!this.touched) {
      const node = this.parts.tree.resolve(path, true)?.node
      return (
        node && {
          size: node.size,
          mtime: node.mtime.toISOString(),
          mode: FILE_KINDS[KINDS[node.type]] | node.mode,
        }
      )
    }
    return await this.#read(({ directory }) =>
      findInside(directory, path, true, async ({ stat }) => ({
        size: Number(stat.size),
        mtime: formatTime(stat.mtimeNs),
        mode: Number(stat.mode),
      })),
    )
  }

  async lstat(path: string): Promise<LinkStat | undefined> {
    if (!this.touched) {
      const node = this.parts.tree.resolve(path, false)?.node
      if (node === undefined) return undefined
      const { type, mode, uid, gid, mtime, linkname, isCapable } = node
      return { type, mode, uid, gid, mtime, ...present({ linkname, isCapable }) }
    }
    return await this.#read(async ({ directory }) => {
      const found = await findInside(directory, path, false, async ({ stat }) => ({
        type: typeOf(Number(stat.mode)),
        mode: Number(stat.mode) & 0o7777,
        uid: Number(stat.uid),
        gid: Number(stat.gid),
        mtime: new Date(Math.floor(Number(stat.mtimeMs) / 1000) * 1000),
      }))
      const linkname = found?.type === 'symlink' ? await readLinkInside(directory, path) : undefined
      return found && { ...found, ...present({ linkname }) }
    })
  }

  readFile(path: string): Promise<Buffer | undefined> {
    return this.#read(({ directory }) => readInside(directory, path))
  }

  readTree(path: string): Promise<Map<string, Buffer>> {
    return this.#read(({ directory }) => readTreeInside(directory, path))
  }

  async changed(paths: readonly string[]): Promise<ReadonlySet<string>> {
    if (!this.touched || this.root === undefined) return new Set()
    const changes = new Set((await differencesOf(this.root)).map(({ path }) => posix.join('/', path)))
    return new Set(paths.filter((path) => changes.has(path)))
  }

  async #read<T>(use: (root: Root) => Promise<T>): Promise<T> {
    return this.root === undefined ? await this.parts.read(use) : await use(this.root)
  }
}

async function awaitExit(child: Run['child'], onOutput: OutputListener | undefined): Promise<number> {
  for (const name of ['stdout', 'stderr'] as const) {
    const stream = child[name]
    stream?.on('data', (chunk: Buffer) => onOutput?.(name, chunk))
    stream?.on('error', () => {}) // its end is told by the process
  }
  const closed = once(child, 'close').catch(() => {})
  const [code, signal] = (await once(child, 'exit').catch((error: Error) => {
    throw new PycdsError('ENGINE_FAILED', {
      message: `${child.spawnfile}: cannot be run: ${error.message}`,
      hint: 'Choose another one with --runtime.',
      cause: error,
    })
  })) as [number | null, NodeJS.Signals | null]
  await Promise.race([closed, once(AbortSignal.timeout(OUTPUT_DEADLINE_MS), 'abort')])
  return code ?? 128 + (signal === null ? 0 : constants.signals[signal])
}

/** `SIGTERM`, `TERM` or `15`; anything else is what engines use without one. */
function signalOf(text: string): NodeJS.Signals {
  const name = /^\d+$/.test(text)
    ? Object.entries(constants.signals).find(([, number]) => number === Number(text))?.[0]
    : text.toUpperCase().replace(/^(?:SIG)?/, 'SIG')
  return name !== undefined && name in constants.signals ? (name as NodeJS.Signals) : 'SIGTERM'
}

function typeOf(mode: number): LinkStat['type'] {
  const found = Object.entries(KINDS).find(([, kind]) => isOfKind(mode, kind))
  return (found?.[0] as LinkStat['type'] | undefined) ?? 'other'
}

function formatTime(ns: bigint): string {
  const seconds = new Date(Number(ns / 1_000_000_000n) * 1000).toISOString().slice(0, 19)
  return `${seconds}.${String(ns % 1_000_000_000n).padStart(9, '0')}Z`
}
