// SPDX-License-Identifier: Apache-2.0
// The engine describes a path in a header, base64 of JSON, with the mode in the encoding
// of Go's os.FileMode: permission bits as usual, everything else in bits of its own.
import type { PathStat } from '../../ports/index.js'
import { FILE_KINDS } from '../../util/file-mode.js'

/** The answer's header. */
export const PATH_STAT_HEADER = 'X-Docker-Container-Path-Stat'

/** A path as the engine describes it. */
export interface DescribedPath extends PathStat {
  /** For a symlink: the absolute path in the container that it leads to, all links resolved. */
  readonly linkTarget?: string
}

/** Decodes the header; undefined when it is not one. */
export function parsePathStat(header: string | undefined): DescribedPath | undefined {
  if (header === undefined) return undefined
  try {
    const value = JSON.parse(Buffer.from(header, 'base64').toString('utf8')) as Record<string, unknown>
    const { size, mtime, mode, linkTarget } = value
    if (typeof size !== 'number' || typeof mtime !== 'string' || typeof mode !== 'number') return undefined
    return {
      size,
      mtime,
      mode: toPosixMode(mode),
      ...(typeof linkTarget === 'string' && linkTarget !== '' ? { linkTarget } : {}),
    }
  } catch {
    // Not base64 of JSON: the same as no header, and the caller says so.
    return undefined
  }
}

/** The first bit that is set decides; a character device has the device bit too, so it comes first. */
const TYPES: readonly (readonly [goBit: number, posix: number])[] = [
  [31, FILE_KINDS.directory],
  [27, FILE_KINDS.symlink],
  [25, FILE_KINDS.fifo],
  [24, FILE_KINDS.socket],
  [21, FILE_KINDS.characterDevice],
  [26, FILE_KINDS.blockDevice],
]

const SPECIAL: readonly (readonly [goBit: number, posix: number])[] = [
  [23, 0o4000],
  [22, 0o2000],
  [20, 0o1000],
]

/** Converts Go's os.FileMode to `st_mode`. */
export function toPosixMode(mode: number): number {
  // Division, since the highest bit would make a shifted number negative.
  const has = (bit: number) => Math.floor(mode / 2 ** bit) % 2 === 1
  const type = TYPES.find(([bit]) => has(bit))?.[1] ?? FILE_KINDS.regular
  const special = SPECIAL.reduce((bits, [bit, posix]) => (has(bit) ? bits | posix : bits), 0)
  return type | special | (mode % 0o1000)
}
