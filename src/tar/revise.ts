// SPDX-License-Identifier: Apache-2.0
import { Readable } from 'node:stream'
import { DEFAULT_LIMITS } from './decode.js'
import type { TarEntry, TarHeader } from './entry.js'
import { packTar } from './pack.js'
import { readBody } from './read.js'
import { membersOf } from './walk.js'

/** What becomes of an archive on its way through. */
export interface Revision {
  /** Whether a member stays. Asking for the body of a member means that it is dropped. */
  keep(header: TarHeader, body: () => Promise<Buffer>): Promise<boolean> | boolean
  /** Members for the end, asked for when all others have gone through. */
  append(): Promise<readonly TarEntry[]> | readonly TarEntry[]
}

/** Streams a tar through, dropping and adding members; a failure destroys the result with the error. */
export function reviseTar(source: Readable, revision: Revision): Readable {
  // One that comes before anything is read is told by the first read.
  source.on('error', () => {})
  const readable = Readable.from(revised(source, revision), { objectMode: false })
  // Whoever leaves before anything was read has not started what would destroy it.
  readable.once('close', () => source.destroy())
  return readable
}

async function* revised(source: Readable, revision: Revision): AsyncGenerator<Buffer> {
  for await (const member of membersOf(source, DEFAULT_LIMITS)) {
    if (!(await revision.keep(member.header, () => readBody(member, DEFAULT_LIMITS)))) continue
    yield member.head
    yield* member.rest()
  }
  yield await packTar(await revision.append())
}
