// SPDX-License-Identifier: Apache-2.0
import { LineSplitter, withoutEnd } from '../util/lines.js'

/** UTF-16 units; names of modules are far shorter. */
const MAX_LINE_LENGTH = 64 * 1024

/** Collects the lines that the runtime writes under PYCDS_LOG. */
export class RuntimeLog {
  served = 0
  lines = 0
  missed: { name: string; reason: string }[] = []
  rejected: string | undefined
  readonly #splitter = new LineSplitter(MAX_LINE_LENGTH)

  /** Path-based modules that were imported. */
  get total(): number {
    return this.served + this.missed.length
  }

  /** Percent. */
  get hitRate(): number {
    return this.total === 0 ? 0 : (100 * this.served) / this.total
  }

  add(chunk: Buffer): void {
    for (const line of this.#splitter.push(chunk)) this.#read(withoutEnd(line))
  }

  #read(line: string): void {
    const [, verb, name = '', reason = ''] =
      /^pycds\[\d+\]: (served|missed|rejected) (\S+)(?: (\S+))?$/.exec(line) ?? []
    if (verb === undefined) return
    this.lines++
    if (verb === 'served') this.served++
    else if (verb === 'missed') this.missed.push({ name, reason })
    else this.rejected = name
  }
}
