// SPDX-License-Identifier: Apache-2.0
// One container: its run, and its files through the engine's archive calls.
import { once } from 'node:events'
import { posix } from 'node:path'
import { finished } from 'node:stream/promises'
import { setTimeout } from 'node:timers/promises'
import {
  type Connection,
  type EngineRequest,
  isPodman,
  readVersion,
  replyTextOf,
  statusOf,
} from '../../docker/index.js'
import { PycdsError } from '../../errors/index.js'
import type {
  Container,
  ContainerSpec,
  ExecResult,
  ExecSpec,
  LinkStat,
  OutputListener,
  PathStat,
} from '../../ports/index.js'
import { readTar } from '../../tar/index.js'
import { isOfKind } from '../../util/file-mode.js'
import { present } from '../../util/present.js'
import { createDemultiplexer } from './demux.js'
import { execute } from './exec.js'
import { hasContent } from './first-chunk.js'
import { type Owner, readOwners } from './owners.js'
import { type DescribedPath, PATH_STAT_HEADER, parsePathStat } from './path-stat.js'
import { startError } from './start-error.js'
import { surroundingsError } from './surroundings-error.js'
import { isUntouched } from './writable-layer.js'

/** The last bytes are on their way when the engine reports the end; a child that kept the pipe must not hold us. */
const OUTPUT_DEADLINE_MS = 5000
const LINK_DEPTH = 16
const ARCHIVE_ATTEMPTS = 20
const ARCHIVE_PAUSE_MS = 50
/** The engine's ways to say that a path does not exist, that a part of it is a file, or that links go in circles. */
const PATH_MISSING = /could not find the file|no such file or directory|not a directory|too many links/i

/** What a container is known by. */
export interface ContainerIdentity {
  readonly id: string
  /** As messages name it. */
  readonly image: string
  /** First word of what it runs; decides how a failed start is explained. */
  readonly program: string | undefined
  /** What its run is given that is not in the image. */
  readonly surroundings: Pick<ContainerSpec, 'mounts' | 'network'>
}

/** A container of an engine; made by DockerEngine. */
export class DockerContainer implements Container {
  readonly id: string
  #isPodman: Promise<boolean> | undefined
  #owners: Promise<ReadonlyMap<string, Owner>> | undefined
  readonly #connection: Connection
  readonly #identity: ContainerIdentity
  readonly #exit: Promise<{ exitCode: number }>
  /** Ties the exit to the engine's wait call, which would answer at once if it were made before the start. */
  #settleExit: (exit: Promise<{ exitCode: number }>) => void = () => {}

  constructor(connection: Connection, identity: ContainerIdentity) {
    this.#connection = connection
    this.#identity = identity
    this.id = identity.id
    this.#exit = new Promise((resolve) => {
      this.#settleExit = resolve
    })
    // Whoever waits gets the failure; nobody has to wait.
    this.#exit.catch(() => {})
  }

  async start(onOutput?: OutputListener): Promise<void> {
    const output = onOutput === undefined ? undefined : await this.#attach(onOutput)
    try {
      await this.#connection.send(this.#call('POST', 'start'))
    } catch (error) {
      output?.abandon()
      const { program, surroundings } = this.#identity
      const reason = surroundingsError(error, surroundings) ?? startError(error, this.#subject, program)
      this.#settleExit(Promise.reject(reason))
      throw reason
    }
    this.#settleExit(this.#awaitExit(output?.done))
  }

  wait(): Promise<{ exitCode: number }> {
    return this.#exit
  }

  exec(spec: ExecSpec): Promise<ExecResult> {
    return execute(this.#connection, { id: this.id, subject: this.#subject }, spec)
  }

  async stop(graceSeconds: number): Promise<void> {
    const t = String(Math.max(0, Math.ceil(graceSeconds)))
    try {
      await this.#connection.send(this.#call('POST', 'stop', { t }))
    } catch (error) {
      if (statusOf(error) !== 404) throw error
    }
  }

  async stat(path: string): Promise<PathStat | undefined> {
    const found = await this.#resolve(path)
    return found && { size: found.size, mtime: found.mtime, mode: found.mode }
  }

  async lstat(path: string): Promise<LinkStat | undefined> {
    const archive = await this.#archive(path)
    let found: LinkStat | undefined
    if (archive === undefined) return found
    await readTar(archive, ({ type, mode, uid, gid, mtime, linkname, isCapable }) => {
      found = { type, mode, uid, gid, mtime, ...present({ linkname, isCapable }) }
      return 'stop'
    })
    if (found?.type !== 'directory') return found
    this.#isPodman ??= readVersion(this.#connection).then(isPodman)
    if (!(await this.#isPodman)) return found
    this.#owners ??= this.#connection.stream(this.#call('GET', 'export')).then(readOwners)
    return { ...found, ...(await this.#owners).get(path) }
  }

  async readFile(path: string): Promise<Buffer | undefined> {
    const target = await this.#resolve(path)
    if (target === undefined || !isOfKind(target.mode, 'regular')) return undefined
    let content: Buffer | undefined
    const archive = await this.#archive(target.path)
    if (archive === undefined) return undefined
    await readTar(archive, async (entry, body) => {
      if (entry.type === 'file') content = await body()
      return 'stop'
    })
    return content
  }

  async readTree(path: string): Promise<Map<string, Buffer>> {
    const files = new Map<string, Buffer>()
    const target = await this.#resolve(path)
    if (target === undefined || !isOfKind(target.mode, 'directory')) return files
    const archive = await this.#archive(target.path)
    if (archive === undefined) return files
    const root = target.path === '/' ? '' : `${posix.basename(target.path)}/`
    await readTar(archive, async (entry, body) => {
      if (entry.type === 'file' && entry.name.startsWith(root)) {
        files.set(entry.name.slice(root.length), await body())
      }
    })
    return files
  }

  async changed(paths: readonly string[]): Promise<ReadonlySet<string>> {
    if (await isUntouched(this.#connection, { id: this.id, subject: this.#subject }, paths)) return new Set()
    type Change = { Path: string }
    const list = await this.#connection.json<Change[] | null | undefined>(this.#call('GET', 'changes'))
    const changes = new Set((list ?? []).map(({ Path }) => Path))
    return new Set(paths.filter((path) => changes.has(path)))
  }

  get #subject(): string {
    return `container of ${this.#identity.image}`
  }

  #call(method: EngineRequest['method'], what: string, query: Record<string, string> = {}): EngineRequest {
    return { method, path: `/containers/${this.id}/${what}`, query, subject: this.#subject }
  }

  async #attach(onOutput: OutputListener) {
    const query = { stream: '1', stdout: '1', stderr: '1' }
    const stream = await this.#connection.stream(this.#call('POST', 'attach', query))
    stream.on('data', createDemultiplexer(onOutput))
    // A lost connection shows in the wait call, which has the say; here it only means that no more output comes.
    const done = finished(stream).catch(() => {})
    return { done, abandon: () => stream.destroy() }
  }

  async #awaitExit(output: Promise<void> | undefined): Promise<{ exitCode: number }> {
    const result = await this.#connection.json<{ StatusCode: number }>(this.#call('POST', 'wait'))
    const deadline = AbortSignal.timeout(OUTPUT_DEADLINE_MS)
    if (output !== undefined) await Promise.race([output, once(deadline, 'abort')])
    return { exitCode: result.StatusCode }
  }

  /** Follows symlinks to what they lead to. */
  async #resolve(path: string): Promise<(DescribedPath & { path: string }) | undefined> {
    let at = posix.resolve('/', path)
    for (let depth = 0; depth < LINK_DEPTH; depth += 1) {
      const found = await this.#describe(at)
      if (found === undefined) return undefined
      if (!isOfKind(found.mode, 'symlink')) return { ...found, path: at }
      const target = found.linkTarget ?? (await this.lstat(at))?.linkname
      if (target === undefined) return undefined
      at = posix.resolve(posix.dirname(at), target)
    }
    // A loop leads nowhere, as for the programs in the container.
    return undefined
  }

  async #describe(path: string): Promise<DescribedPath | undefined> {
    // While a container comes to its end, an engine may refuse to describe what it gives right after.
    for (let attempt = 1; attempt <= ARCHIVE_ATTEMPTS; attempt += 1) {
      const found = await this.#describeOnce(path)
      if (found !== 'refused') return found
      await setTimeout(ARCHIVE_PAUSE_MS)
    }
    throw new PycdsError('ENGINE_FAILED', {
      message: `${this.#subject}: the engine does not describe ${path}`,
      hint: 'Use Docker Engine 20.10 or later, or an engine with a compatible API.',
    })
  }

  async #describeOnce(path: string): Promise<DescribedPath | 'refused' | undefined> {
    const request = this.#call('HEAD', 'archive', { path })
    try {
      return parsePathStat(await this.#connection.header(request, PATH_STAT_HEADER)) ?? 'refused'
    } catch (error) {
      if (statusOf(error) === undefined) throw error
      // An answer to HEAD has no text. GET says whether it is the path or the container that is missing.
      const archive = await this.#archive(path)
      if (archive === undefined) return undefined
      archive.destroy()
      return 'refused'
    }
  }

  /** An engine may answer with nothing while the container comes to its end, and with everything right after. */
  async #archive(path: string) {
    for (let attempt = 1; ; attempt += 1) {
      const archive = await this.#openArchive(path)
      if (archive === undefined || attempt === ARCHIVE_ATTEMPTS || (await hasContent(archive))) return archive
      await setTimeout(ARCHIVE_PAUSE_MS)
    }
  }

  async #openArchive(path: string) {
    try {
      return await this.#connection.stream(this.#call('GET', 'archive', { path }))
    } catch (error) {
      const text = replyTextOf(error)
      if (text !== undefined && PATH_MISSING.test(text)) return undefined
      throw error
    }
  }
}
