// SPDX-License-Identifier: Apache-2.0
// Puts files into the root, or into a directory that stands for it: all of them or none.
import {
  chmodSync,
  chownSync,
  lstatSync,
  mkdirSync,
  realpathSync,
  renameSync,
  rmSync,
  type Stats,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { basename, dirname, join } from 'node:path'
import type { LayerFile, WriteOptions } from '../ports/index.js'
import { writeError } from './write-error.js'

/** Of a file that is being written. The same name every time: a run that was killed leaves nothing for good. */
const TEMPORARY = '.pycds-new'

/** Writes each file beside its place, then gives all of them their names; directories that exist keep their time. */
export function writeFiles(files: readonly LayerFile[], options: WriteOptions): void {
  const work = new Writing(options)
  try {
    for (const file of files) work.add(file)
  } catch (error) {
    work.drop()
    throw error
  }
  work.finish()
}

class Writing {
  readonly #options: WriteOptions
  /** By the name that they will get. */
  readonly #temporaries = new Map<string, string>()
  readonly #made: string[] = []
  /** What each directory is to have in the end. */
  readonly #times = new Map<string, Date>()

  constructor(options: WriteOptions) {
    this.#options = options
  }

  add({ path, mode, body, uid, gid, directory }: LayerFile): void {
    const { mtime, output = '' } = this.#options
    let target = join(output, path)
    try {
      const folder = realDirectory(dirname(path))
      target = join(output, folder, basename(path))
      this.#makeDirectory(folder, directory)
      const temporary = `${target}${TEMPORARY}`
      // Where all are given their names, none may fail.
      if (lstatSync(target, { throwIfNoEntry: false })?.isDirectory())
        throw Object.assign(new Error(`${target} is a directory`), { code: 'EISDIR' })
      this.#temporaries.set(target, temporary)
      writeFileSync(temporary, body)
      if (uid !== undefined && gid !== undefined) own(temporary, uid, gid)
      chmodSync(temporary, mode)
      utimesSync(temporary, mtime, mtime)
    } catch (error) {
      throw writeError(error, target)
    }
  }

  finish(): void {
    for (const [target, temporary] of this.#temporaries) renameSync(temporary, target)
    for (const [path, time] of this.#times) setTime(path, time)
  }

  /** Takes back what was written so far. */
  drop(): void {
    for (const path of [...this.#temporaries.values(), ...this.#made.reverse()]) {
      if (stats(path)) rmSync(path, { recursive: true, force: true })
    }
    for (const [path, time] of this.#times) if (stats(path)) setTime(path, time)
  }

  /** With all above it. Below an output directory they look as in the image, since a copy may overwrite those. */
  #makeDirectory(path: string, fresh?: LayerFile['directory']): void {
    const { mtime, output } = this.#options
    if (path !== '/') this.#makeDirectory(dirname(path))
    const target = join(output ?? '', path)
    if (this.#times.has(target)) return
    const there = stats(target)
    const like = output === undefined ? there : stats(path)
    if (there === undefined) {
      mkdirSync(target, { recursive: path === '/' })
      const { uid, gid, mode } = like ?? fresh ?? {}
      if (uid !== undefined && gid !== undefined) own(target, uid, gid)
      chmodSync(target, (mode ?? 0o755) & 0o7777)
      this.#made.push(target)
    }
    if (path !== '/') this.#times.set(target, like?.mtime ?? mtime)
  }
}

/** Only root can give files away; whoever else writes them keeps them. */
function own(path: string, uid: number, gid: number): void {
  if (process.getuid?.() === 0) chownSync(path, uid, gid)
}

/** The path without symlinks, as far as it exists. */
export function realDirectory(path: string): string {
  if (path === '/') return path
  return stats(path) ? realpathSync(path) : join(realDirectory(dirname(path)), basename(path))
}

function stats(path: string): Stats | undefined {
  try {
    return statSync(path)
  } catch {
    return undefined // not there, or not to be seen: whoever writes there is told
  }
}

function setTime(path: string, time: Date): void {
  try {
    utimesSync(path, time, time)
  } catch {
    // A directory that others own and this user may write to: its time shows that it was written to.
  }
}
