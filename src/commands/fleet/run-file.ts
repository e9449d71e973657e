// SPDX-License-Identifier: Apache-2.0
// The images of a file, from their choice to what is told of them.
import { type ErrorDocument, renderError } from '../../errors/index.js'
import type { Progress } from '../../log/index.js'
import {
  type BakesResult,
  bakeAll,
  type NamedWork,
  type Task,
  toBakesResult,
} from '../../usecases/fleet/index.js'
import { formatCount } from '../../util/units.js'
import { withoutName } from '../../util/without-name.js'
import type { FleetRequest } from '../cli/fleet-flags.js'
import { bakesThatFit } from '../cli/memory.js'
import { ResultsDirectory } from '../cli/results-directory.js'
import { formatMetrics } from '../render/metrics.js'

/** What a run of several bakes is given. */
export type FleetSurroundings = Pick<Task, 'progress' | 'signal'>

/** Bakes the images and writes down what became of them. */
export async function runFleet(
  images: readonly NamedWork[],
  { jobs, results, shard }: FleetRequest,
  { progress, signal }: FleetSurroundings,
): Promise<BakesResult> {
  const journal = results === undefined ? undefined : await ResultsDirectory.open(results)
  if (images.length > 1) warnOfMemory(jobs, progress)
  const hasRoom = () => bakesThatFit() >= 1
  const outcomes = await bakeAll(images, { jobs, hasRoom, journal, progress, signal })
  const result = toBakesResult(outcomes, shard ?? null)
  const part = shard ? `-${shard.index}-of-${shard.count}` : ''
  await journal?.writeText(`pycds-image${part}.prom`, formatMetrics(result, Math.round(Date.now() / 1000)))
  return result
}

/** The failures of a run, for people. */
export function renderFailures({ images }: BakesResult): string {
  const failed = images.flatMap(({ name, error }) => (error === null ? [] : [{ name, error }]))
  return failed.map(({ name, error }) => render(name, error)).join('\n')
}

function render(name: string, { code, message, hint }: ErrorDocument['error']): string {
  return renderError(
    { code, message: withoutName(name, message), hint },
    { debug: false, heading: `Error: ${name}` },
  )
}

function warnOfMemory(jobs: number, progress: Progress): void {
  const fitting = Math.max(1, bakesThatFit())
  if (fitting >= jobs) return
  progress.warn(`--jobs ${jobs}: there is memory for ${formatCount(fitting, 'bake')} at once`)
}
