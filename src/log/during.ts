// SPDX-License-Identifier: Apache-2.0
import type { Progress, Step } from './progress.js'

/**
 * Runs work as a step of the progress, which a failure ends before it is thrown on.
 * @param work ends the step itself when it succeeds, since only it knows what to say.
 * @param failed what is said of a failure beside that it is one; the error tells more.
 */
export async function during<T>(
  progress: Progress,
  [id, title]: readonly [id: string, title: string],
  work: (step: Step) => Promise<T>,
  failed = '',
): Promise<T> {
  const step = progress.step(id, title)
  try {
    return await work(step)
  } catch (error) {
    step.fail(failed)
    throw error
  }
}
