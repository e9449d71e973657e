// SPDX-License-Identifier: Apache-2.0
// Which cases a test file decides otherwise with the archive than without.
import { type FileRun, LATE } from './outcomes.js'

/** Stands for the whole file among its cases: how its process ended. */
export const FILE = '(file)'
/** The outcome of a case that one of two runs has not. */
export const ABSENT = 'absent'

/** The outcomes of a case in all runs. */
export interface Outcomes {
  readonly case: string
  readonly plain: readonly string[]
  readonly archive: readonly string[]
}

export type Verdict = 'same' | 'flaky' | 'differs'

/** Of so many reruns and the first run so many must tell the same difference. */
const MOST = 0.75

export function outcomeOf(run: FileRun, name: string): string {
  return name === FILE ? run.end : (run.cases.get(name)?.outcome ?? ABSENT)
}

/** The cases that two runs decide otherwise. What one did not come to, where it has no end, is not counted. */
export function differingCases(plain: FileRun, archive: FileRun): string[] {
  const names = new Set([...plain.cases.keys(), ...archive.cases.keys()])
  const sameEnd = plain.end === archive.end
  const isWhole = sameEnd && !plain.end.startsWith(LATE)
  const differing = [...names].filter((name) => {
    const [one, other] = [outcomeOf(plain, name), outcomeOf(archive, name)]
    return one !== other && (isWhole || (one !== ABSENT && other !== ABSENT))
  })
  return sameEnd ? differing : [FILE, ...differing]
}

/**
 * A difference is one when a side that always says the same is hardly ever joined by the other, or when the two never
 * say the same; a case that says now this and now that on either side is flaky.
 */
export function judge({ plain, archive }: Pick<Outcomes, 'plain' | 'archive'>): Verdict {
  const [plainKinds, archiveKinds] = [new Set(plain), new Set(archive)]
  const common = [...plainKinds].filter((outcome) => archiveKinds.has(outcome))
  if (common.length === 0) return 'differs'
  const steady = [
    { kinds: plainKinds, others: archive },
    { kinds: archiveKinds, others: plain },
  ].filter(({ kinds }) => kinds.size === 1)
  if (steady.length === 2) return 'same'
  const isMost = steady.some(
    ({ kinds, others }) => others.filter((outcome) => !kinds.has(outcome)).length >= MOST * others.length,
  )
  return isMost ? 'differs' : 'flaky'
}
