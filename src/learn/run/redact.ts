// SPDX-License-Identifier: Apache-2.0
// Values that were given for a run only must not be shown, whoever prints them.
import type { OutputListener } from '../../ports/index.js'
import { LineSplitter } from '../../util/lines.js'

/** Shorter values (`1`, `on`, `dev`) are no secrets, and hiding them would make texts unreadable. */
const MIN_SECRET_LENGTH = 4
const HIDDEN = '***'
/** A longer line is passed on in pieces. */
const MAX_LINE_LENGTH = 64 * 1024

/** Takes the values of variables out of texts. */
export class Redactor {
  readonly #pattern: RegExp | undefined

  constructor(env: Readonly<Record<string, string>>) {
    // A value of several lines comes out line by line; the longest first, since one may hold another.
    const values = Object.values(env).flatMap((value) => [value, ...value.split(/\r?\n/)])
    const secrets = [...new Set(values)].filter((value) => value.length >= MIN_SECRET_LENGTH)
    const sources = secrets.sort((a, b) => b.length - a.length).map(escapePattern)
    this.#pattern = sources.length > 0 ? new RegExp(sources.join('|'), 'g') : undefined
  }

  text(text: string): string {
    return this.#pattern ? text.replace(this.#pattern, HIDDEN) : text
  }

  /** Whether bytes hold one of the values. */
  finds(bytes: Buffer): boolean {
    return this.#pattern !== undefined && bytes.toString().search(this.#pattern) !== -1
  }

  /** Passes output on in whole lines, without the values; `flush` passes on a line without an end. */
  output(listener: OutputListener): { push: OutputListener; flush(): void } {
    if (!this.#pattern) return { push: listener, flush: () => {} }
    const streams = { stdout: this.#lines(listener, 'stdout'), stderr: this.#lines(listener, 'stderr') }
    return {
      push: (stream, chunk) => streams[stream].push(chunk),
      flush: () => {
        for (const { flush } of Object.values(streams)) flush()
      },
    }
  }

  #lines(listener: OutputListener, stream: 'stdout' | 'stderr') {
    const splitter = new LineSplitter(MAX_LINE_LENGTH)
    const pass = (text: string) => text !== '' && listener(stream, Buffer.from(this.text(text)))
    return {
      push: (chunk: Buffer) => void pass(splitter.push(chunk).join('')),
      flush: () => void pass(splitter.end()),
    }
  }
}

function escapePattern(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&')
}
