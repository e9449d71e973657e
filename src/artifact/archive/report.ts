// SPDX-License-Identifier: Apache-2.0
import type { Missed } from '../artifact.js'

/** Collects what the runtime says of modules under PYCDS_LOG. */
export class ArchiveReport {
  served = 0
  missed: Missed[] = []
  /** Why the whole archive was not used. */
  rejected: string | undefined

  /** Takes a line of the runtime, without its end. */
  read(line: string): void {
    const [, verb, name = '', reason = ''] =
      /^pycds\[\d+\]: (served|missed|rejected) (\S+)(?: (\S+))?$/.exec(line) ?? []
    if (verb === undefined) return
    if (verb === 'served') this.served++
    else if (verb === 'missed') this.missed.push({ name, reason })
    else this.rejected = name
  }
}
