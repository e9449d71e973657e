// SPDX-License-Identifier: Apache-2.0
// Puts files into the root, or into a directory that stands for it.
import {
  chmodSync,
  lstatSync,
  mkdirSync,
  renameSync,
  rmSync,
  type Stats,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import type { LayerFile } from '../bake/layer.js'
import type { WriteOptions } from '../bake/root.js'
import { PycdsError } from '../errors/index.js'

/** Of a file that is being written. The same name every time: a run that was killed leaves nothing for good. */
const TEMPORARY = '.pycds-new'

/** Writes each file beside its place and renames it; directories that exist keep their time. */
export function writeFiles(files: readonly LayerFile[], { mtime, output }: WriteOptions): void {
  const times = new Map<string, Date>()
  for (const { path, mode, body } of files) {
    const target = output === undefined ? path : join(output, path)
    const temporary = `${target}${TEMPORARY}`
    try {
      makeDirectory(dirname(path), output, mtime, times)
      writeFileSync(temporary, body)
      chmodSync(temporary, mode)
      utimesSync(temporary, mtime, mtime)
      renameSync(temporary, target)
    } catch (error) {
      rmSync(temporary, { force: true })
      throw writeError(error, target)
    }
  }
  for (const [path, time] of times) utimesIfOwned(path, time)
}

/** Makes a directory and all above it, and notes the time that each is to have in the end. */
function makeDirectory(
  path: string,
  output: string | undefined,
  mtime: Date,
  times: Map<string, Date>,
): void {
  if (path === '/') {
    if (output !== undefined) mkdirSync(output, { recursive: true })
    return
  }
  makeDirectory(dirname(path), output, mtime, times)
  const target = output === undefined ? path : join(output, path)
  if (times.has(target)) return
  const there = stats(target)
  // Below an output directory they look as in the image, whose directories a copy may overwrite.
  const like = output === undefined ? there : stats(path)
  if (there === undefined) {
    mkdirSync(target)
    chmodSync(target, (like?.mode ?? 0o755) & 0o7777)
  }
  times.set(target, like?.mtime ?? mtime)
}

function stats(path: string): Stats | undefined {
  const found = lstatSync(path, { throwIfNoEntry: false })
  return found?.isSymbolicLink() ? lstatSync(join(path, '.')) : found
}

function utimesIfOwned(path: string, time: Date): void {
  try {
    utimesSync(path, time, time)
  } catch {
    // A directory that others own and this user may write to: its time shows that it was written to.
  }
}

/** Names the path, the reason and what to do. */
export function writeError(error: unknown, path: string): unknown {
  const { code } = error as NodeJS.ErrnoException
  if (code === 'ENOSPC' || code === 'EDQUOT') {
    return new PycdsError('NO_SPACE', {
      message: `${path}: no space left`,
      hint: 'Free space where the builder keeps its layers, then build again.',
      cause: error,
    })
  }
  if (code === 'EACCES' || code === 'EPERM' || code === 'EROFS') {
    const who =
      code === 'EROFS' ? 'the file system is read-only' : `user ${process.getuid?.()} may not write there`
    return new PycdsError('USAGE', {
      message: `${path}: ${who}`,
      hint: 'Put this instruction before USER, or give the directory to the user of the image.',
      cause: error,
    })
  }
  return error
}
