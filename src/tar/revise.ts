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
  output.on('error', ignore)
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
  let settle: (error?: Error | null) => void = () => {}
  const written = new Promise<void>((resolve, reject) => {
    settle = (error) => (error ? reject(error) : resolve())
  })
  // It also fails when the reader of the result goes away, at a time when nothing may be waiting for it.
  written.catch(() => {})
  const sink = output.entry(stream.header, (error) => settle(error))
  sink.on('error', ignore)
  for await (const chunk of stream) {
    if (sink.write(chunk)) continue
    await Promise.race([new Promise<void>((resolve) => sink.once('drain', () => resolve())), written])
  }
  sink.end(undefined)
  await written
}

/** Every failure reaches the caller through the result; the streams behind it would repeat it as uncaught. */
function ignore(): void {}
