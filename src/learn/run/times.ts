// SPDX-License-Identifier: Apache-2.0
// Reads what the clock of a measured start has left (native/cpython/times.def).
import { PycdsError } from '../../errors/index.js'
import { TIMES, TIMES_VERSION } from './times-layout.js'

/** The clock of a process; times in nanoseconds, 0 for what has not happened. */
export type Times = Record<Exclude<keyof typeof TIMES, 'version'>, number>

const BYTES = 8 * Object.keys(TIMES).length

/**
 * @returns undefined where the process has not yet, or never, written all of it
 * @throws TRAINING_FAILED when a tracer of another version wrote it.
 */
export function parseTimes(bytes: Buffer): Times | undefined {
  if (bytes.length < BYTES) return undefined
  const read = (at: number) => Number(bytes.readBigInt64LE(at))
  const version = read(TIMES.version)
  if (version !== TIMES_VERSION) {
    throw new PycdsError('TRAINING_FAILED', {
      message: `the clock of a measured start is of version ${version}, and this program reads version ${TIMES_VERSION}`,
      hint: 'The tracer is not of the same build: reinstall pycds-image; in a checkout run `npm run build`.',
    })
  }
  return {
    started: read(TIMES.started),
    lastImport: read(TIMES.lastImport),
    processor: read(TIMES.processor),
    finished: read(TIMES.finished),
    imports: read(TIMES.imports),
    bound: read(TIMES.bound),
  }
}
