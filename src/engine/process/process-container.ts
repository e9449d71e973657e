// SPDX-License-Identifier: Apache-2.0
// One command on the root file system. "Container" is what the use cases call it: nothing is contained.
import type { ChildProcess } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import type { Dirent, Stats } from 'node:fs'
import { lstat, readdir, readFile, readlink, stat } from 'node:fs/promises'
import { join, relative } from 'node:path'
import type {
  Container,
  ExecResult,
  ExecSpec,
  LinkStat,
  OutputListener,
  PathStat,
} from '../../ports/index.js'
import { endProcesses } from './end-processes.js'
import { execute } from './execute.js'
import { type Identity, type LaunchOptions, launch } from './launch.js'
import { spawnError } from './spawn-error.js'

/** Names every process that a run has started, however deep. */
const RUN_VARIABLE = 'PYCDS_RUN'

/** A process left behind may hold the output open for ever. */
const OUTPUT_DEADLINE_MS = 1000
const SIGNAL_BASE = 128
const SIGNALS: Readonly<Record<string, number>> = {
  SIGHUP: 1,
  SIGINT: 2,
  SIGABRT: 6,
  SIGKILL: 9,
  SIGSEGV: 11,
  SIGTERM: 15,
}

interface Command {
  readonly program: string
  readonly args: readonly string[]
  readonly environment: Readonly<Record<string, string>>
  /** Absent: that of this process. */
  readonly identity: Identity | undefined
  /** The absolute paths that runs have changed so far. */
  changes(): Promise<ReadonlySet<string>>
}

export class ProcessContainer implements Container {
  readonly id = randomUUID()
  readonly #command: Command
  #child: ChildProcess | undefined
  #end: Promise<{ exitCode: number }> | undefined

  constructor(command: Command) {
    this.#command = command
  }

  async start(onOutput?: OutputListener): Promise<void> {
    const { program, args } = this.#command
    const { child, started } = launch([program, ...args], this.#launchOptions())
    child.stdout.on('data', (chunk: Buffer) => onOutput?.('stdout', chunk))
    child.stderr.on('data', (chunk: Buffer) => onOutput?.('stderr', chunk))
    const closed = once(child, 'close').catch(() => [])
    this.#end = once(child, 'exit').then(async ([code, signal]: unknown[]) => {
      await Promise.race([closed, once(AbortSignal.timeout(OUTPUT_DEADLINE_MS), 'abort')])
      return { exitCode: typeof code === 'number' ? code : SIGNAL_BASE + (SIGNALS[String(signal)] ?? 0) }
    })
    this.#end.catch(() => {}) // a program that cannot be started is told by start itself
    try {
      await started
      this.#child = child
    } catch (error) {
      throw spawnError(error, program)
    }
  }

  async wait(): Promise<{ exitCode: number }> {
    return this.#end ?? { exitCode: 0 }
  }

  exec(spec: ExecSpec): Promise<ExecResult> {
    return execute(spec, this.#launchOptions(spec.env))
  }

  #launchOptions(more: ExecSpec['env'] = {}): LaunchOptions {
    const { environment, identity } = this.#command
    return { env: { ...environment, [RUN_VARIABLE]: this.id, ...more }, identity }
  }

  async stop(graceSeconds: number): Promise<void> {
    const child = this.#child
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return
    child.kill(graceSeconds > 0 ? 'SIGTERM' : 'SIGKILL')
    const deadline = setTimeout(() => child.kill('SIGKILL'), graceSeconds * 1000)
    await this.#end
    clearTimeout(deadline)
  }

  /** Ends everything that the command has started. */
  async kill(): Promise<void> {
    await this.stop(0)
    await endProcesses(RUN_VARIABLE, this.id)
  }

  async stat(path: string): Promise<PathStat | undefined> {
    const found = await present(stat(path))
    return found && { size: found.size, mtime: found.mtime.toISOString(), mode: found.mode }
  }

  async lstat(path: string): Promise<LinkStat | undefined> {
    const found = await present(lstat(path))
    if (found === undefined) return undefined
    const { mode, uid, gid, mtime } = found
    const linkname = found.isSymbolicLink() ? await readlink(path) : undefined
    return {
      type: typeOf(found),
      mode: mode & 0o7777,
      uid,
      gid,
      mtime,
      ...(linkname === undefined ? {} : { linkname }),
    }
  }

  async readFile(path: string): Promise<Buffer | undefined> {
    return (await present(stat(path)))?.isFile() === true ? readFile(path) : undefined
  }

  async readTree(path: string): Promise<Map<string, Buffer>> {
    const files = new Map<string, Buffer>()
    const entries: Dirent[] = (await present(readdir(path, { recursive: true, withFileTypes: true }))) ?? []
    for (const entry of entries) {
      const file = join(entry.parentPath, entry.name)
      if (entry.isFile()) files.set(relative(path, file), await readFile(file))
    }
    return files
  }

  async changed(paths: readonly string[]): Promise<ReadonlySet<string>> {
    const changes = await this.#command.changes()
    return new Set(paths.filter((path) => changes.has(path)))
  }
}

function typeOf(found: Stats): LinkStat['type'] {
  if (found.isFile()) return 'file'
  if (found.isDirectory()) return 'directory'
  return found.isSymbolicLink() ? 'symlink' : 'other'
}

async function present<T>(found: Promise<T>): Promise<T | undefined> {
  try {
    return await found
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOENT' || code === 'ENOTDIR' || code === 'ELOOP') return undefined
    throw error
  }
}
