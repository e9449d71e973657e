// SPDX-License-Identifier: Apache-2.0
import { LineSplitter, withoutEnd } from '../../util/lines.js'
import type { Counts, Limits, Missed, Report } from '../artifact.js'

/** UTF-16 units; names of modules are far shorter. */
const MAX_LINE_LENGTH = 64 * 1024
/** Below this an archive does not do what it is for. */
const DEFAULT_MIN_HIT_RATE = 1

const NO_REPORT =
  'the runtime did not report: no Python with the hook was started, or its standard error is not that of the container'

/** Collects the lines that the runtime writes under PYCDS_LOG. */
export class ArchiveReport implements Report {
  served = 0
  lines = 0
  missed: Missed[] = []
  /** Why the whole archive was not used. */
  rejected: string | undefined
  readonly #splitter = new LineSplitter(MAX_LINE_LENGTH)

  get heard(): boolean {
    return this.rejected !== undefined || this.counts.total > 0
  }

  get counts(): Counts {
    const { served } = this
    const total = served + this.missed.length
    return { served, total, hitRate: total === 0 ? 0 : (100 * served) / total }
  }

  get brief(): string {
    const { served, total } = this.counts
    return `${served} of ${total}`
  }

  add(chunk: Buffer): void {
    for (const line of this.#splitter.push(chunk)) this.#read(withoutEnd(line))
  }

  problem({ minHitRate = DEFAULT_MIN_HIT_RATE }: Limits): string | null {
    const { total, hitRate } = this.counts
    if (this.rejected) return `the archive was refused: ${this.rejected}`
    if (total === 0) return NO_REPORT
    return hitRate < minHitRate ? `the hit rate ${hitRate.toFixed(1)} % is below ${minHitRate} %` : null
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
