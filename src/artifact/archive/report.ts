// SPDX-License-Identifier: Apache-2.0
import type { Missed } from '../kind/artifact.js'
import type { RuntimeLine } from '../kind/lines.js'

/** Collects what the runtime says of modules under PYCDS_LOG. */
export class ArchiveReport {
  served = 0
  missed: Missed[] = []
  /** Why the whole archive was not used. */
  rejected: string | undefined

  read({ form, values: [first = '', reason = ''] }: RuntimeLine): void {
    if (form === 'served') this.served++
    else if (form === 'missed') this.missed.push({ name: first, reason })
    else if (form === 'rejected') this.rejected = first
  }
}
