// SPDX-License-Identifier: Apache-2.0
// Where the members of a tar file lie, so that they can be read in any order.
import { createReadStream } from 'node:fs'
import { posix } from 'node:path'
import { Readable } from 'node:stream'
import { DEFAULT_LIMITS } from './decode.js'
import { unreadable, whyUnreadable } from './unreadable.js'
import { membersOf } from './walk.js'

/** A regular file in a tar file. */
export interface TarMember {
  readonly name: string
  /** Bytes. */
  readonly size: number
  open(): Readable
}

const LINK_DEPTH = 8
/** Bytes that are read at a time: what is done for each piece of an image counts when there are thousands. */
const CHUNK = 128 * 1024

/** Reads the headers of a tar file; links between its members are followed. IMAGE_INVALID when it is damaged. */
export async function locateMembers(path: string): Promise<Map<string, TarMember>> {
  const members = new Map<string, TarMember>()
  const links = new Map<string, string>()
  const archive = createReadStream(path, { highWaterMark: CHUNK })
  for await (const { header, offset } of membersOf(archive, DEFAULT_LIMITS, path)) {
    const { name, type, size, linkname = '', sparse } = header
    // What holds an image has no holes; where one has been made, the place of its content is another one.
    const isLabel = type === 'other' && size === 0
    const reason = sparse === undefined ? whyUnreadable(header) : 'it is a sparse file'
    if (reason !== undefined && !isLabel) throw unreadable(path, name, reason)
    if (type === 'symlink') links.set(name, posix.join(posix.dirname(name), linkname))
    if (type === 'link') links.set(name, posix.normalize(linkname))
    if (type === 'file') members.set(name, { name, size, open: () => slice(path, offset, size) })
  }
  for (const name of links.keys()) {
    let target: string | undefined = name
    for (let depth = 0; target !== undefined && depth < LINK_DEPTH; depth += 1) {
      const member = members.get(target)
      if (member !== undefined) {
        members.set(name, member)
        break
      }
      target = links.get(target)
    }
  }
  return members
}

function slice(path: string, start: number, size: number): Readable {
  return size === 0
    ? Readable.from([])
    : createReadStream(path, { start, end: start + size - 1, highWaterMark: CHUNK })
}
