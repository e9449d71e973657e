// SPDX-License-Identifier: Apache-2.0
import { type ReadyPlan, type Start, untilEnd } from '../../learn/run/index.js'

/**
 * Starts the original of an image. That a service falls quiet is only a guess at its being up: where the other went on to
 * fail, the original is given the time to fail, too.
 * @param start of the image
 * @param plainly starts its original without an archive; absent: as planned
 */
export async function startOriginal(
  { by, exitCode, seconds }: Start,
  plainly: (ready?: ReadyPlan) => Promise<Start>,
  limits: { timeoutMs: number },
): Promise<Start> {
  const plain = await plainly()
  if (plain.by !== 'quiet' || by !== 'exit' || exitCode === 0) return plain
  const longer = await plainly({ specs: untilEnd(seconds, limits) })
  return longer.by === 'exit' ? longer : plain
}
