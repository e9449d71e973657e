// SPDX-License-Identifier: Apache-2.0
import { stripVTControlCharacters } from 'node:util'
import { LineSplitter } from '../util/lines.js'

/** A line longer than this is shown in pieces, so that an endless one cannot fill the memory. */
const MAX_LINE_LENGTH = 4096
const PREFIX = 'app | '

/** The application's output as prefixed lines: both streams in order of arrival, each cut at its own line ends. */
export interface AppLines {
  /** Returns the lines that `chunk` completes. */
  push(stream: 'stdout' | 'stderr', chunk: Buffer): string[]
  /** Returns what is left of lines without an end. */
  flush(): string[]
}

/** Makes the line cutter. Control sequences are removed: an application may not move our cursor. */
export function createAppLines(): AppLines {
  const streams = { stdout: createCutter(), stderr: createCutter() }
  return {
    push: (stream, chunk) => streams[stream].push(chunk),
    flush: () => [...streams.stdout.flush(), ...streams.stderr.flush()],
  }
}

function createCutter() {
  // A progress bar redraws itself after "\r": each drawing is a line of its own here.
  const splitter = new LineSplitter(MAX_LINE_LENGTH, { carriageReturns: true })
  return {
    push: (chunk: Buffer): string[] => splitter.push(chunk).map(prefix),
    flush(): string[] {
      const line = splitter.end()
      return line.trim() === '' ? [] : [prefix(line)]
    },
  }
}

function prefix(line: string): string {
  return (PREFIX + stripVTControlCharacters(line).replace(/(?!\t)\p{Cc}/gu, '')).trimEnd()
}
