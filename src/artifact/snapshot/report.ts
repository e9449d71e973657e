// SPDX-License-Identifier: Apache-2.0
// What the runtime says of a snapshot under PYCDS_LOG.
import { median } from '../../util/statistics.js'
import { REFUSAL_SENTENCES, type Refusal } from './refusals.js'

/** Of programs that a snapshot is not for: nothing is wrong then. */
const NOT_FOR_IT: readonly string[] = ['OFF', 'OTHER_PROGRAM', 'LITTLE_GAIN']

export class SnapshotReport {
  /** Modules that import statements found ready. */
  modules = 0
  /** Milliseconds of each process that went on in a snapshot. */
  readonly thaws: number[] = []
  /** Why other processes did not: codes. */
  readonly refusals: string[] = []

  /** Takes a line of the runtime, without its end. */
  read(line: string): void {
    const [, verb, text = ''] = /^pycds\[\d+\]: (snapshot|ready) (.+)$/.exec(line) ?? []
    if (verb === 'ready') this.modules += Number(/: (\d+) modules$/.exec(text)?.[1] ?? 0)
    if (verb !== 'snapshot') return
    const [, milliseconds] = /^thawed in (\d+(?:\.\d+)?) ms$/.exec(text) ?? []
    if (milliseconds !== undefined) this.thaws.push(Number(milliseconds))
    else if (/^[A-Z_]+$/.test(text)) this.refusals.push(text)
  }

  /** Of one thaw, in the middle; null: there was none. */
  get milliseconds(): number | null {
    return this.thaws.length === 0 ? null : median(this.thaws)
  }

  /** Why no process used the snapshot, as code and sentence; undefined: one did, or none was to. */
  get refusal(): string | undefined {
    const code = this.thaws.length > 0 ? undefined : this.refusals.find((one) => !NOT_FOR_IT.includes(one))
    return code && describeRefusal(code)
  }
}

/** A code with its sentence. */
function describeRefusal(code: string): string {
  const sentence = REFUSAL_SENTENCES[code as Refusal]
  return sentence === undefined ? code : `${code}: ${sentence}`
}
