// SPDX-License-Identifier: Apache-2.0
// Reads what somebody has named: mostly a file, sometimes a pipe (`<(command)`), a terminal, or what was meant as one of
// them. Nothing here blocks: neither the process, which would hear no signal then, nor a thread of it, which its end
// would wait for.
import { closeSync, constants, createReadStream, fstatSync, openSync, readSync } from 'node:fs'
import { Socket } from 'node:net'
import { addAbortSignal, type Readable } from 'node:stream'
import { isatty, ReadStream } from 'node:tty'

export interface GivenLimits {
  /** What has no size of its own, as a pipe or a device, is read no further. */
  maxBytes?: number
  /** How long a pipe that nobody writes to is waited for, and the first line of a terminal. */
  writerMs?: number
  /** Ends the reading. */
  signal?: AbortSignal | undefined
}

/** Something that is there, and cannot be read. */
export class UnreadableError extends Error {
  override readonly name = 'UnreadableError'
}

const MAX_BYTES = 256 * 1024 * 1024
const WRITER_MS = 10_000

/**
 * Reads a file, a pipe or a device to its end.
 * @throws UnreadableError for a pipe without a writer and for what does not end; else what the system says
 */
export async function readGiven(path: string, limits: GivenLimits = {}): Promise<Buffer> {
  const { maxBytes = MAX_BYTES, writerMs = WRITER_MS } = limits
  const fd = openGiven(path)
  const kind = kindOf(fd)
  const stream = streamOf(fd, kind)
  if (limits.signal) addAbortSignal(limits.signal, stream)
  const timer = setTimeout(() => assertWriter(fd, kind, stream), writerMs)
  const chunks: Buffer[] = []
  let size = 0
  try {
    for await (const chunk of stream as AsyncIterable<Buffer>) {
      clearTimeout(timer)
      chunks.push(chunk)
      size += chunk.length
      if (kind !== 'file' && size > maxBytes) throw new UnreadableError('it does not end')
    }
  } finally {
    clearTimeout(timer)
  }
  return Buffer.concat(chunks)
}

/**
 * Reads a file at once, or what a pipe has at this moment; for what is looked up in the middle of other work.
 * @throws UnreadableError for a pipe that has nothing; else what the system says
 */
export function readGivenNow(path: string): Buffer {
  const fd = openGiven(path)
  const chunks: Buffer[] = []
  try {
    const chunk = Buffer.alloc(64 * 1024)
    for (let size = 0; size <= MAX_BYTES; ) {
      const count = readSync(fd, chunk)
      if (count === 0) return Buffer.concat(chunks)
      chunks.push(Buffer.from(chunk.subarray(0, count)))
      size += count
    }
    throw new UnreadableError('it does not end')
  } catch (cause) {
    throw isAgain(cause) ? new UnreadableError('it is a pipe that has not been written to', { cause }) : cause
  } finally {
    closeSync(fd)
  }
}

/** Why something could not be read, as the end of a sentence. */
export function whyUnreadable(error: unknown): string {
  return error instanceof UnreadableError ? error.message : 'it cannot be read'
}

function openGiven(path: string): number {
  // Whoever opens a pipe without this waits until somebody opens its other end. Windows has neither.
  return openSync(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0))
}

type Kind = 'file' | 'pipe' | 'terminal' | 'other'

function kindOf(fd: number): Kind {
  const found = fstatSync(fd)
  if (found.isFile()) return 'file'
  if (found.isFIFO()) return 'pipe'
  return isatty(fd) ? 'terminal' : 'other'
}

/** What closes the file when it ends. */
function streamOf(fd: number, kind: Kind): Readable {
  if (kind === 'pipe') return new Socket({ fd, readable: true, writable: false })
  return kind === 'terminal' ? new ReadStream(fd) : createReadStream('', { fd })
}

/** Ends the reading of a pipe that nobody has opened to write, and of a terminal that nobody sits at. */
function assertWriter(fd: number, kind: Kind, stream: Readable): void {
  if (kind === 'terminal') stream.destroy(new UnreadableError('it is a terminal that nobody writes at'))
  if (kind !== 'pipe') return
  const chunk = Buffer.alloc(1)
  try {
    // Nothing to read, but somebody who may write, would be EAGAIN.
    if (readSync(fd, chunk) === 0) stream.destroy(new UnreadableError('it is a pipe that nobody writes to'))
    else stream.unshift(chunk)
  } catch (error) {
    if (!isAgain(error)) stream.destroy(error as Error)
  }
}

function isAgain(error: unknown): boolean {
  return (error as NodeJS.ErrnoException).code === 'EAGAIN'
}
