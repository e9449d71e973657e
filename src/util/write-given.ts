// SPDX-License-Identifier: Apache-2.0
// Writes to what somebody has named: mostly a file, sometimes a pipe (`>(command)`). Nothing here blocks, as with
// what is read.
import { constants, openSync, statSync } from 'node:fs'
import { rm, writeFile } from 'node:fs/promises'
import { Socket } from 'node:net'
import { pipeline } from 'node:stream/promises'
import { setTimeout } from 'node:timers/promises'

export interface WriteLimits {
  /** How long a pipe that nobody reads is waited for. */
  readerMs?: number
  /** Ends the writing. */
  signal?: AbortSignal
}

/** Something that is there, and cannot be written to. */
export class UnwritableError extends Error {
  override readonly name = 'UnwritableError'
}

const READER_MS = 10_000
const POLL_MS = 20

/**
 * Writes all of a file anew, or everything to a pipe; a reader of one that leaves has read enough.
 * @throws UnwritableError for a pipe that nobody reads; else what the system says
 */
export async function writeGiven(
  path: string,
  content: string | Buffer,
  limits: WriteLimits = {},
): Promise<void> {
  const { readerMs = READER_MS, signal } = limits
  const found = statSync(path, { throwIfNoEntry: false })
  if (!found?.isFIFO()) return await writeToFile(path, content, found === undefined)
  const fd = await openPipe(path, readerMs, signal)
  const pipe = new Socket({ fd, readable: false, writable: true })
  try {
    await pipeline([content], pipe, signal === undefined ? {} : { signal })
  } catch (error) {
    if (codeOf(error) !== 'EPIPE') throw error
  }
}

/** A part of a file that was not there before would be taken for all of it. */
async function writeToFile(path: string, content: string | Buffer, isNew: boolean): Promise<void> {
  try {
    await writeFile(path, content)
  } catch (error) {
    if (isNew) await rm(path, { force: true })
    throw error
  }
}

/** Why something could not be written, as the end of a sentence. */
export function whyUnwritten(error: unknown): string {
  return error instanceof UnwritableError ? error.message : 'it cannot be written'
}

/** Whoever opens a pipe in the usual way waits until somebody opens its other end. */
async function openPipe(path: string, readerMs: number, signal: AbortSignal | undefined): Promise<number> {
  const end = performance.now() + readerMs
  for (;;) {
    try {
      return openSync(path, constants.O_WRONLY | constants.O_NONBLOCK)
    } catch (cause) {
      if (codeOf(cause) !== 'ENXIO') throw cause
      if (performance.now() > end) throw new UnwritableError('it is a pipe that nobody reads', { cause })
    }
    await setTimeout(POLL_MS, undefined, { signal })
  }
}

function codeOf(error: unknown): string | undefined {
  return (error as NodeJS.ErrnoException).code
}
