// SPDX-License-Identifier: Apache-2.0
// What the runtime says of a snapshot under PYCDS_LOG.
import { median } from '../../util/statistics.js'
import type { NotReady } from '../kind/artifact.js'
import type { RuntimeLine } from '../kind/lines.js'
import { REFUSAL_ADVICE, REFUSAL_SENTENCES, type Refusal } from './refusals.js'

/** Of programs that a snapshot is not for: nothing is wrong then. */
const NOT_FOR_IT: readonly string[] = ['OFF', 'OTHER_PROGRAM', 'LITTLE_GAIN']

export class SnapshotReport {
  /** Modules that import statements found ready. */
  modules = 0
  /** Statements that did. */
  readyStatements = 0
  /** Those that did not. */
  readonly notReady: NotReady[] = []
  /** Milliseconds of each process that went on in a snapshot. */
  readonly thaws: number[] = []
  /** Why other processes did not: codes, or `CODE: VARIABLE`. */
  readonly refusals: string[] = []
  /** How many of them no Python was started for. */
  atOnce = 0
  /** Why a program in front of the entrypoint started Python first. */
  notAtOnce: string | undefined

  read({ form, values: [first = '', second = '', ...others] }: RuntimeLine): void {
    if (form === 'ready') {
      this.modules += Number(second)
      this.readyStatements++
    } else if (form === 'notReady')
      this.notReady.push({ name: first, because: second, reason: others.join('') })
    else if (form === 'thawed') this.thaws.push(Number(first))
    else if (form === 'thawedAtOnce') {
      this.thaws.push(Number(first))
      this.atOnce++
    } else if (form === 'notAtOnce') this.notAtOnce = describeRefusal(first)
    else if (form === 'notThawed') this.refusals.push(first)
    else if (form === 'notThawedFor') this.refusals.push(`${first}: ${second}`)
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

/** What to do about a refusal, as what follows the sentence that ends with it. */
export function adviceFor(refusal: string): string {
  const [code = ''] = refusal.split(': ')
  const advice = REFUSAL_ADVICE[code as Refusal]
  return advice === undefined ? '' : `. ${advice.replace(/\.$/, '')}`
}

/** A code, as of a refusal, with its sentence. */
export function describeRefusal(refusal: string): string {
  const [code = '', variable] = refusal.split(': ')
  const sentence = REFUSAL_SENTENCES[code as Refusal]
  return [code, ...(sentence === undefined ? [] : [sentence]), ...(variable ? [variable] : [])].join(': ')
}
