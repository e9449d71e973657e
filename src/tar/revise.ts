// SPDX-License-Identifier: Apache-2.0
import { finished, Readable } from 'node:stream'
import { type Pack, pack } from 'tar-stream'
import type { TarEntry, TarHeader } from './entry.js'
import { addEntry } from './pack.js'
import { readBody } from './read.js'
import { DEFAULT_LIMITS, type Entry, walkTar } from './walk.js'

/** What becomes of an archive on its way through. */
export interface Revision {
  /** Whether a member stays. Asking for the body of a member means that it is dropped. */
  keep(header: TarHeader, body: () => Promise<Buffer>): Promise<boolean> | boolean
  /** Members for the end, asked for when all others have gone through. */
  append(): Promise<readonly TarEntry[]> | readonly TarEntry[]
}

/** Streams a tar through, dropping and adding members; a failure destroys the result with the error. */
export function reviseTar(source: Readable, revision: Revision): Readable {
  const output = pack()
  const readable = Readable.from(output as AsyncIterable<Buffer>, { objectMode: false })
  finished(readable, (error) => {
    if (error) source.destroy()
  })
  run(source, output, revision).catch((error: unknown) => {
    readable.destroy(error instanceof Error ? error : new Error(String(error)))
  })
  return readable
}

async function run(source: Readable, output: Pack, revision: Revision): Promise<void> {
  await walkTar(source, DEFAULT_LIMITS, async (header, stream) => {
    const kept = await revision.keep(header, () => readBody(header, stream, DEFAULT_LIMITS))
    if (kept) await copy(stream, output)
    return undefined
  })
  for (const entry of await revision.append()) addEntry(output, entry)
  output.finalize()
}

async function copy(stream: Entry, output: Pack): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    const sink = output.entry(stream.header, (error) => (error ? reject(error) : resolve()))
    stream.on('error', reject)
    stream.pipe(sink)
  })
}
