// SPDX-License-Identifier: Apache-2.0
// Writes a tar whose members do not fit into memory.
import type { Readable } from 'node:stream'
import { finished } from 'node:stream/promises'
import { pack } from 'tar-stream'
import { PycdsError } from '../errors/index.js'
import type { TarEntry } from './entry.js'
import { addEntry } from './pack.js'

/** A member whose content comes as a stream; everything about it but name and size is fixed. */
export interface StreamedMember {
  readonly name: string
  /** Bytes. */
  readonly size: number
  open(): Promise<Readable>
}

const EPOCH = new Date(0)

/** Writes members in the given order into `output`, which is ended. Errors of either side reject. */
export async function writeTar(
  output: NodeJS.WritableStream,
  members: AsyncIterable<StreamedMember | TarEntry> | Iterable<StreamedMember | TarEntry>,
): Promise<void> {
  const stream = pack()
  const done = finished(output)
  done.catch(() => {})
  stream.on('error', () => {}) // it repeats what is thrown below
  ;(stream as unknown as NodeJS.ReadableStream).pipe(output)
  try {
    for await (const member of members) {
      if ('type' in member) {
        addEntry(stream, member)
        continue
      }
      await copy(member, stream, done)
    }
    stream.finalize()
  } catch (error) {
    stream.destroy()
    ;(output as unknown as Readable).destroy()
    throw error
  }
  await done
}

async function copy(member: StreamedMember, stream: ReturnType<typeof pack>, broken: Promise<void>) {
  const { name, size } = member
  let settle: (error?: Error | null) => void = () => {}
  const written = new Promise<void>((resolve, reject) => {
    settle = (error) => (error ? reject(error) : resolve())
  })
  written.catch(() => {})
  const sink = stream.entry(
    { name, size, type: 'file', mode: 0o100644, uid: 0, gid: 0, mtime: EPOCH },
    (error) => settle(error),
  )
  sink.on('error', () => {})
  let bytes = 0
  for await (const chunk of await member.open()) {
    bytes += (chunk as Buffer).length
    if (bytes > size) throw wrongSize(name)
    if (sink.write(chunk)) continue
    await Promise.race([new Promise<void>((resolve) => sink.once('drain', () => resolve())), written, broken])
  }
  if (bytes !== size) throw wrongSize(name)
  sink.end(undefined)
  await written
}

function wrongSize(name: string): PycdsError {
  return new PycdsError('IMAGE_INVALID', {
    message: `tar member ${JSON.stringify(name)}: its content has another size than it should`,
    hint: 'The image changed while it was read; run it again.',
  })
}
