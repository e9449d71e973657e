// SPDX-License-Identifier: Apache-2.0
// What the runtime in a container says of all artifacts of its image, line by line.
import { LineSplitter, withoutEnd } from '../util/lines.js'
import { formatPercentage } from '../util/units.js'
import { ArchiveReport } from './archive/report.js'
import type { Counts, Limits, Missed, Report, Thawed } from './kind/artifact.js'
import { readLine } from './kind/lines.js'
import { adviceFor, SnapshotReport } from './snapshot/report.js'

/** UTF-16 units; names of modules are far shorter. */
const MAX_LINE_LENGTH = 64 * 1024
/** Below this an archive does not do what it is for. */
const DEFAULT_MIN_HIT_RATE = 1

const NO_REPORT =
  'the runtime did not report: no Python with the hook was started, or its standard error does not get to the output of the container'

export class StartReport implements Report {
  lines = 0
  readonly #archive = new ArchiveReport()
  readonly #snapshot = new SnapshotReport()
  /** What supervises a program may write what that says to either. */
  readonly #splitters = {
    stdout: new LineSplitter(MAX_LINE_LENGTH),
    stderr: new LineSplitter(MAX_LINE_LENGTH),
  }

  get heard(): boolean {
    return this.rejected !== undefined || this.counts.total > 0
  }

  get counts(): Counts {
    const served = this.#archive.served + this.#snapshot.modules
    const total = served + this.missed.length
    return { served, total, hitRate: total === 0 ? 0 : (100 * served) / total }
  }

  get missed(): readonly Missed[] {
    return this.#archive.missed
  }

  get rejected(): string | undefined {
    return this.#archive.rejected
  }

  get thawed(): Thawed | null {
    const { thaws, atOnce, refusals, modules, milliseconds, refusal, notAtOnce = null } = this.#snapshot
    const { readyStatements, notReady } = this.#snapshot
    if (thaws.length + refusals.length === 0) return null
    return {
      processes: thaws.length,
      atOnce,
      modules,
      statements: readyStatements + notReady.length,
      notReady,
      milliseconds,
      refusal: refusal ?? null,
      notAtOnce,
    }
  }

  get brief(): string {
    const { served, total } = this.counts
    return `${served} of ${total}`
  }

  add(chunk: Buffer, stream: 'stdout' | 'stderr' = 'stderr'): void {
    for (const text of this.#splitters[stream].push(chunk)) {
      const line = readLine(withoutEnd(text))
      if (line === undefined) continue
      this.lines++
      this.#archive.read(line)
      this.#snapshot.read(line)
    }
  }

  problem({ minHitRate = DEFAULT_MIN_HIT_RATE }: Limits): string | null {
    const { total, hitRate } = this.counts
    if (this.rejected) return `the archive was refused: ${this.rejected}`
    if (total === 0) return NO_REPORT
    if (hitRate < minHitRate) return `the hit rate ${formatPercentage(hitRate)} is below ${minHitRate} %`
    const refusal = this.thawed?.refusal
    return refusal ? `the snapshot was refused: ${refusal}${adviceFor(refusal)}` : null
  }
}
