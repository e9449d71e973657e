// SPDX-License-Identifier: Apache-2.0
// Which files of the image there are, and which of them a run has touched. Mounts are no part
// of the image and are not entered. An image may have very many files: what is remembered of one is its name and one
// number, and nothing is listed a second time to be compared.
import { accessSync, constants, lstatSync, readdirSync, realpathSync, type Stats } from 'node:fs'
import { join, relative, sep } from 'node:path'
import type { PathChange } from '../ports/index.js'
import { by } from '../util/order.js'

/** What there was in a directory. */
interface Listing {
  /** Of the directory itself, milliseconds since 1970. */
  readonly mtime: number
  /** When each entry was last changed, which no program can set; by name. */
  readonly entries: ReadonlyMap<string, number>
}

/** So many directories take a moment that a signal can wait for. */
const DIRECTORIES_AT_ONCE = 200

/** The files below a directory as they were at a time. */
export class Snapshot {
  readonly #root: string
  readonly #device: number | undefined
  readonly #changed: number | undefined
  readonly #directories: ReadonlyMap<string, Listing>

  private constructor(root: string, top: Stats | undefined, directories: ReadonlyMap<string, Listing>) {
    this.#root = root
    this.#device = top?.dev
    this.#changed = top?.ctimeMs
    this.#directories = directories
  }

  /**
   * Lists everything below `root` on its file system. What this user may not read is left out.
   * @param signal asked on the way, so that a large image does not keep this process from ending
   */
  static async take(root: string, signal?: AbortSignal): Promise<Snapshot> {
    const top = lstat(root)
    const directories = new Map<string, Listing>()
    const queue: [string, Stats][] = top === undefined ? [] : [[root, top]]
    await inTurns(queue, signal, ([directory, stats]) => {
      const entries = new Map<string, number>()
      for (const [name, found] of list(directory, top?.dev)) {
        entries.set(name, found.ctimeMs)
        if (found.isDirectory()) queue.push([join(directory, name), found])
      }
      directories.set(directory, { mtime: stats.mtimeMs, entries })
    })
    return new Snapshot(root, top, directories)
  }

  /** What is otherwise now, parents before children; a directory counts when its entries or its mode changed. */
  async changes(): Promise<PathChange[]> {
    const changes: PathChange[] = []
    const tell = (path: string, kind: PathChange['kind']) => void changes.push({ path, kind })
    const gone = (path: string) => {
      tell(path, 'deleted')
      for (const name of this.#directories.get(path)?.entries.keys() ?? []) gone(join(path, name))
    }
    const top = lstat(this.#root)
    if (top !== undefined && top.ctimeMs !== this.#changed) tell(this.#root, 'modified')
    const queue = top === undefined ? [] : [this.#root]
    await inTurns(queue, undefined, (directory) => {
      const before = this.#directories.get(directory)?.entries
      const there = new Set<string>()
      for (const [name, found] of list(directory, this.#device)) {
        const path = join(directory, name)
        const changed = before?.get(name)
        there.add(name)
        if (changed === undefined) tell(path, 'added')
        else if (changed !== found.ctimeMs) tell(path, 'modified')
        if (found.isDirectory()) queue.push(path)
        // What was a directory is something else now.
        else if (this.#directories.has(path)) {
          for (const inner of this.#directories.get(path)?.entries.keys() ?? []) gone(join(path, inner))
        }
      }
      for (const name of before?.keys() ?? []) if (!there.has(name)) gone(join(directory, name))
    })
    return changes.sort(by('path'))
  }

  /**
   * Whether an absolute path that exists now did not when this was taken. Of what lies in a mount, or in what this user may
   * not list, nothing is known: that counts as old.
   */
  isNew(path: string): boolean {
    let at = this.#root
    for (const name of relative(this.#root, path).split(sep)) {
      const here = join(at, name)
      const found = lstat(here)
      if (found === undefined || (found.isDirectory() && found.dev !== this.#device)) return false
      const before = this.#directories.get(at)?.entries
      if (before?.has(name) === false && (before.size > 0 || isListable(at))) return true
      const target = found.isSymbolicLink() ? follow(here) : here
      if (target === undefined) return false
      if (target !== here && this.isNew(target)) return true
      at = target
    }
    return false
  }

  /** When a directory was last written to, milliseconds since 1970; undefined for anything else. */
  timeOf(path: string): number | undefined {
    return this.#directories.get(path)?.mtime
  }
}

/** Takes one after the other from a queue that grows meanwhile; others get their turn, a signal among them. */
async function inTurns<T>(
  queue: T[],
  signal: AbortSignal | undefined,
  take: (item: T) => void,
): Promise<void> {
  let taken = 0
  for (let item = queue.pop(); item !== undefined; item = queue.pop()) {
    take(item)
    taken += 1
    if (taken % DIRECTORIES_AT_ONCE !== 0) continue
    await new Promise((resolve) => setImmediate(resolve))
    signal?.throwIfAborted()
  }
}

/** The entries of a directory that are no mounts. */
function* list(directory: string, device: number | undefined): Generator<[string, Stats]> {
  let names: string[]
  try {
    names = readdirSync(directory)
  } catch {
    return // gone, or not for this user, who then cannot have changed anything in it
  }
  for (const name of names) {
    const stats = lstat(join(directory, name))
    if (stats !== undefined && !(stats.isDirectory() && stats.dev !== device)) yield [name, stats]
  }
}

function isListable(directory: string): boolean {
  try {
    accessSync(directory, constants.R_OK)
    return true
  } catch {
    return false
  }
}

/** Where a link leads; undefined where that is nowhere. */
function follow(link: string): string | undefined {
  try {
    return realpathSync(link)
  } catch {
    return undefined
  }
}

function lstat(path: string): Stats | undefined {
  try {
    return lstatSync(path)
  } catch {
    return undefined
  }
}
