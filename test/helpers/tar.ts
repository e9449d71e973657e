// SPDX-License-Identifier: Apache-2.0
import type { TarEntry } from '../../src/tar/index.js'

/** A moment that is the same in every test. */
export const MOMENT = new Date('2001-09-09T01:46:40Z')

/** Makes a file member. */
export function file(name: string, body: string | Buffer, o: Partial<TarEntry> = {}): TarEntry {
  return { name, type: 'file', mode: 0o644, uid: 0, gid: 0, mtime: MOMENT, body: Buffer.from(body), ...o }
}

/** Makes a directory member. */
export function directory(name: string, o: Partial<TarEntry> = {}): TarEntry {
  return { name, type: 'directory', mode: 0o755, uid: 0, gid: 0, mtime: MOMENT, ...o }
}

/** Makes a symlink member. */
export function symlink(name: string, linkname: string, o: Partial<TarEntry> = {}): TarEntry {
  return { name, type: 'symlink', mode: 0o777, uid: 0, gid: 0, mtime: MOMENT, linkname, ...o }
}
