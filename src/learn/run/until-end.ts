// SPDX-License-Identifier: Apache-2.0
import type { ReadySpec } from './ready.js'

/** Times as long as another start took, and so many milliseconds, one may take to end as well. */
const LONGER = 3
const LEAST_MS = 10_000

/** A start that is given the time to end as another one did, which took so many seconds. */
export function untilEnd(seconds: number, { timeoutMs }: { timeoutMs: number }): readonly ReadySpec[] {
  return [{ kind: 'exit' }, { kind: 'timer', ms: Math.min(timeoutMs, LONGER * seconds * 1000 + LEAST_MS) }]
}
