// SPDX-License-Identifier: Apache-2.0
// Reads files below a root in which a program may be at work right now. Each part of a path is opened relative to
// its directory and never through a symlink; symlinks are read and followed here, from the root downwards.
// `/proc/self/fd/N/name` is how Node spells openat(2).
import { type BigIntStats, close, constants, fstat, open, readdir, readlink } from 'node:fs'
import { open as openHandle } from 'node:fs/promises'
import { promisify } from 'node:util'

const openAsync = promisify(open)
const closeAsync = promisify(close)
const statAsync = promisify(fstat) as (fd: number, options: { bigint: true }) => Promise<BigIntStats>
const readlinkAsync = promisify(readlink)
const readdirAsync = promisify(readdir)

const LINK_LIMIT = 40
/** Node has no name for it; the same on every architecture that it runs on. */
const O_PATH = 0o10000000
const LOCATE = O_PATH | constants.O_NOFOLLOW
const ABSENT: readonly (string | undefined)[] = ['ENOENT', 'ENOTDIR', 'ELOOP', 'ENAMETOOLONG']

/** A path that was found, held by a descriptor. */
export interface Found {
  readonly fd: number
  readonly stat: BigIntStats
}

/**
 * Finds a path below a root and lends it to `use`; undefined when it does not exist.
 * @param final whether a symlink at its end is followed
 */
export async function findInside<T>(
  root: string,
  path: string,
  final: boolean,
  use: (found: Found) => Promise<T>,
): Promise<T | undefined> {
  const stack: number[] = []
  try {
    stack.push(await openAsync(root, LOCATE | constants.O_DIRECTORY))
    const found = await descend(stack, path.split('/'), final)
    return found && (await use(found))
  } catch (error) {
    if (ABSENT.includes((error as NodeJS.ErrnoException).code)) return undefined
    throw error
  } finally {
    await Promise.all(stack.map((fd) => closeAsync(fd)))
  }
}

async function descend(stack: number[], rest: string[], final: boolean): Promise<Found | undefined> {
  const all = [...stack]
  let links = 0
  for (let part = rest.shift(); part !== undefined; part = rest.shift()) {
    if (part === '' || part === '.') continue
    if (part === '..') {
      if (all.length > 1) all.pop()
      continue
    }
    const fd = await openAsync(`/proc/self/fd/${all.at(-1)}/${part}`, LOCATE)
    stack.push(fd)
    const isLast = rest.every((one) => one === '' || one === '.')
    if ((await statAsync(fd, { bigint: true })).isSymbolicLink() && (final || !isLast)) {
      links += 1
      if (links > LINK_LIMIT) return undefined
      const target = await readlinkAsync(`/proc/self/fd/${all.at(-1)}/${part}`)
      if (target.startsWith('/')) all.length = 1
      rest.unshift(...target.split('/'))
      continue
    }
    all.push(fd)
  }
  const fd = all.at(-1)
  return fd === undefined ? undefined : { fd, stat: await statAsync(fd, { bigint: true }) }
}

/** Reads the content of a regular file below a root; undefined for anything else. */
export async function readInside(root: string, path: string): Promise<Buffer | undefined> {
  return await findInside(root, path, true, async ({ fd, stat }) => {
    if (!stat.isFile()) return undefined
    const file = await openHandle(`/proc/self/fd/${fd}`, constants.O_RDONLY)
    return await file.readFile().finally(() => file.close())
  })
}

/** Where a symlink below a root points, as written in it. */
export async function readLinkInside(root: string, path: string): Promise<string | undefined> {
  const slash = path.replace(/\/+$/, '').lastIndexOf('/')
  return await findInside(root, path.slice(0, Math.max(slash, 0)), true, ({ fd }) =>
    readlinkAsync(`/proc/self/fd/${fd}/${path.slice(slash + 1)}`),
  )
}

/** Reads all regular files below a directory by relative name; symlinks in it are not followed. */
export async function readTreeInside(root: string, path: string): Promise<Map<string, Buffer>> {
  const files = new Map<string, Buffer>()
  const walk = async (at: string, prefix: string): Promise<void> => {
    const entries = await findInside(root, at, prefix === '', async ({ fd, stat }) =>
      stat.isDirectory() ? await readdirAsync(`/proc/self/fd/${fd}`, { withFileTypes: true }) : [],
    )
    for (const entry of entries ?? []) {
      const name = `${prefix}${entry.name}`
      if (entry.isDirectory()) await walk(`${at}/${entry.name}`, `${name}/`)
      if (!entry.isFile()) continue
      const content = await readInside(root, `${at}/${entry.name}`)
      if (content !== undefined) files.set(name, content)
    }
  }
  await walk(path, '')
  return files
}
