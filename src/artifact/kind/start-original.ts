// SPDX-License-Identifier: Apache-2.0
import type { ReadyPlan, Start } from '../../learn/run/index.js'

/** Times as long as a start that failed, and so many milliseconds, the original may take to fail as well. */
const LONGER = 3
const LEAST_MS = 10_000

/**
 * Starts the original of an image. That a service falls quiet is only a guess at its being up: where the other went on to
 * fail, the original is given the time to fail, too.
 * @param start of the image
 * @param plainly starts its original without an archive; absent: as planned
 */
export async function startOriginal(
  { by, exitCode, seconds }: Start,
  plainly: (ready?: ReadyPlan) => Promise<Start>,
  { timeoutMs }: { timeoutMs: number },
): Promise<Start> {
  const plain = await plainly()
  if (plain.by !== 'quiet' || by !== 'exit' || exitCode === 0) return plain
  const ms = Math.min(timeoutMs, LONGER * seconds * 1000 + LEAST_MS)
  const longer = await plainly({ specs: [{ kind: 'exit' }, { kind: 'timer', ms }] })
  return longer.by === 'exit' ? longer : plain
}
