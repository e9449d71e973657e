// SPDX-License-Identifier: Apache-2.0
// What an archive gives is compared with what Python does without it. That is worth nothing when the archive has
// had a part in both, so whatever is taken as a reference says what the archive has answered meanwhile.
import { readFileSync } from 'node:fs'

/** What the runtime counted in a process (`_pycds.stats()`): its status, and each number by its name. */
export type Counts = Readonly<Record<string, string>>

/** Numbers that say nothing of an answer; any other, also one that comes to be counted later, does. */
const NO_ANSWERS = /^(status|importlib|takeover|learning|snapshot|.*missed)$/

/** The counts that test/fixtures/launch.py has written. */
export function readCounts(path: string): Counts | undefined {
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch {
    return undefined
  }
  return Object.fromEntries(
    text
      .split('\n')
      .filter(Boolean)
      .map((line) => line.split(' ', 2)),
  )
}

/** Throws unless the process is known to have done everything without an archive. */
export function assertReference(counts: Counts | undefined): void {
  if (!counts) throw new Error('it is not known whether the reference came from the archive')
  const answers = Object.entries(counts).filter(([name, count]) => !NO_ANSWERS.test(name) && count !== '0')
  if (counts.status === 'INACTIVE' && answers.length === 0) return
  throw new Error(`the reference may have come from the archive: ${JSON.stringify(counts)}`)
}
