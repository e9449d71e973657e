// SPDX-License-Identifier: Apache-2.0
// What a bake has put into the root for a while: it takes that back itself, also where other processes may have made what is
// new besides.
import {
  chmodSync,
  chownSync,
  lstatSync,
  readFileSync,
  rmdirSync,
  rmSync,
  type Stats,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { basename, dirname, join } from 'node:path'
import type { LayerFile } from '../ports/index.js'
import { realDirectory } from './write.js'

/** A file as it was before. */
interface Earlier {
  readonly body: Buffer
  readonly stats: Stats
}

export class OwnFiles {
  /** By path without links; undefined: there was none. */
  readonly #earlier = new Map<string, Earlier | undefined>()
  /** Directories above them, deepest first, with the time that they had; undefined: they were not there. */
  readonly #directories = new Map<string, Date | undefined>()

  /** Before they are written. */
  expect(files: readonly LayerFile[]): void {
    for (const { path } of files) {
      const real = join(realDirectory(dirname(path)), basename(path))
      if (this.#earlier.has(real)) continue
      const stats = lstatSync(real, { throwIfNoEntry: false })
      this.#earlier.set(real, stats?.isFile() ? { body: readFileSync(real), stats } : undefined)
      for (let at = dirname(real); !this.#directories.has(at); at = dirname(at))
        this.#directories.set(at, lstatSync(at, { throwIfNoEntry: false })?.mtime)
    }
  }

  /** What of it cannot be taken back stays, and shows as a change. */
  takeBack(): void {
    for (const [path, earlier] of this.#earlier)
      attempt(() => (earlier ? restore(path, earlier) : rmSync(path)))
    const deepestFirst = [...this.#directories].sort(([a], [b]) => b.length - a.length)
    for (const [path, time] of deepestFirst)
      attempt(() => (time === undefined ? rmdirSync(path) : utimesSync(path, time, time)))
  }

  /** Whether all that has changed about a path that was there before is that this has come and gone. */
  has(path: string): boolean {
    return this.#earlier.get(path) !== undefined || this.#directories.get(path) !== undefined
  }
}

function restore(path: string, { body, stats: { mode, uid, gid, atime, mtime } }: Earlier): void {
  rmSync(path, { force: true })
  writeFileSync(path, body)
  if (process.getuid?.() === 0) chownSync(path, uid, gid)
  chmodSync(path, mode & 0o7777)
  utimesSync(path, atime, mtime)
}

function attempt(action: () => void): void {
  try {
    action()
  } catch {
    // not written in the first place, or somebody else's by now
  }
}
