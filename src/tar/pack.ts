// SPDX-License-Identifier: Apache-2.0
// Writes tar archives whose bytes depend on the given members only: no clock, no user
// names, no host data. Members keep their order; PAX records appear only where ustar
// cannot express a value.
import { buffer } from 'node:stream/consumers'
import { type Header, type Pack, pack } from 'tar-stream'
import { PycdsError } from '../errors/index.js'
import type { TarEntry } from './entry.js'

/** The library takes a mode of 0 for "none given"; a type bit outside the written mask avoids that. */
const MODE_IS_GIVEN = 0o100000
const MODE_MASK = 0o7777
const USTAR_ID_LIMIT = 0o777777
const USTAR_SECONDS_LIMIT = 0x7fffffff

/** Packs members into an uncompressed tar; throws INTERNAL for a member that cannot be written faithfully. */
export async function packTar(entries: readonly TarEntry[]): Promise<Buffer> {
  const stream = pack()
  const bytes = buffer(stream)
  for (const entry of entries) addEntry(stream, entry)
  stream.finalize()
  return await bytes
}

/** Adds a member to a tar that is being written. */
export function addEntry(stream: Pack, entry: TarEntry): void {
  const reason = findFault(entry)
  if (reason !== undefined) {
    throw new PycdsError('INTERNAL', {
      message: `tar member ${JSON.stringify(entry.name)}: ${reason}`,
      hint: 'This is a bug in pycds-image; please report it.',
    })
  }
  stream.entry(toHeader(entry), entry.type === 'file' ? (entry.body ?? Buffer.alloc(0)) : Buffer.alloc(0))
}

function toHeader(entry: TarEntry): Partial<Header> & { name: string } {
  const seconds = Math.floor(entry.mtime.getTime() / 1000)
  const pax = paxRecords(entry, seconds)
  return {
    name: entry.name,
    type: entry.type,
    mode: MODE_IS_GIVEN | entry.mode,
    uid: entry.uid,
    gid: entry.gid,
    size: entry.type === 'file' ? (entry.body?.length ?? 0) : 0,
    mtime: new Date(Math.min(Math.max(seconds, 0), USTAR_SECONDS_LIMIT) * 1000),
    ...(entry.linkname === undefined ? {} : { linkname: entry.linkname }),
    ...(pax === undefined ? {} : { pax }),
  }
}

/** What ustar fields cannot hold; the library adds names and targets itself once there is any record. */
function paxRecords(entry: TarEntry, seconds: number): Record<string, string> | undefined {
  const records = {
    ...(entry.uid > USTAR_ID_LIMIT ? { uid: String(entry.uid) } : {}),
    ...(entry.gid > USTAR_ID_LIMIT ? { gid: String(entry.gid) } : {}),
    ...(seconds < 0 || seconds > USTAR_SECONDS_LIMIT ? { mtime: String(seconds) } : {}),
  }
  // The library looks for characters beyond ASCII in names only, so a target has to ask for PAX here.
  return Object.keys(records).length > 0 || !isAscii(entry.linkname ?? '') ? records : undefined
}

function findFault(entry: TarEntry): string | undefined {
  const isLink = entry.type === 'symlink' || entry.type === 'link'
  if (entry.name === '' || entry.name.startsWith('/')) return 'its name is not a relative path'
  if (entry.name.split('/').includes('..')) return 'its name has a ".." in it'
  if (`${entry.name}${entry.linkname ?? ''}`.includes('\0')) return 'its name has a NUL in it'
  if (isLink !== (entry.linkname !== undefined && entry.linkname !== '')) return 'only links have a target'
  if (entry.type !== 'file' && entry.body !== undefined) return 'only files have a body'
  if ((entry.mode & MODE_MASK) !== entry.mode) return 'its mode has more than permission bits'
  if (!isId(entry.uid) || !isId(entry.gid)) return 'its owner is not a 32 bit number'
  if (Number.isNaN(entry.mtime.getTime())) return 'its time is no date'
  return undefined
}

function isId(id: number): boolean {
  return Number.isInteger(id) && id >= 0 && id < 2 ** 32
}

function isAscii(text: string): boolean {
  return Buffer.byteLength(text) === text.length
}
