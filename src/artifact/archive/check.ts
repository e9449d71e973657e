// SPDX-License-Identifier: Apache-2.0
// What a container of the new image takes from its archive, started as the source image was trained.
import { plainStart, type Start } from '../../learn/run/index.js'
import { during } from '../../log/index.js'
import { atLeast, type Gate } from '../../measure/gates.js'
import type { Checked, Limits, Report, Trial } from '../kind/artifact.js'
import { compareStarts, crashOf } from '../kind/compare-starts.js'
import { startReporting } from '../kind/start.js'
import { startOriginal } from '../kind/start-original.js'

/** How many of the modules that did not come from the archive a failed limit names. */
const NAMED = 3

/** Starts the image once, untraced, and counts what its runtime says; not at all unless a limit asks for it. */
export async function checkArchive(trial: Trial, { minHitRate }: Limits, report: Report): Promise<Checked> {
  if (minHitRate === undefined) return { checks: { hitRate: null }, difference: null, gates: [] }
  const difference = await countHits(trial, report)
  const { served, total, hitRate: percent } = report.counts
  const hitRate = { served, total, percent }
  return { checks: { hitRate }, difference, gates: [hitRateGate(minHitRate, report)] }
}

/** The limits that only a start can tell, as options. */
export function archiveLimits({ minHitRate }: Limits): string[] {
  return minHitRate === undefined ? [] : ['--min-hit-rate']
}

/** @returns how the start went wrong that does not go wrong without the archive */
async function countHits(trial: Trial, report: Report): Promise<string | null> {
  const title = 'Start the new image and count what its archive serves'
  return await during(trial.progress, ['hit-rate', title], async (step) => {
    const start = await startReporting(report, trial)
    if (start.failure) throw start.failure
    const difference = crashOf(start) === undefined ? null : await compareWithOriginal(start, trial)
    if (difference === null) step.done(report.brief)
    else step.fail('it does not start as before')
    return difference
  })
}

async function compareWithOriginal(
  start: Start,
  { engine, original, options }: Omit<Trial, 'progress'>,
): Promise<string | null> {
  const { onOutput: _, ...silent } = options
  const plainly = (ready = options.ready) => plainStart(engine, original, { ...silent, ready })
  return compareStarts(start, await startOriginal(start, plainly, options.limits), false)
}

function hitRateGate(minHitRate: number, { counts, missed, rejected }: Report): Gate {
  const gate = atLeast('min-hit-rate', minHitRate, counts.hitRate, '% served from the archive')
  if (rejected !== undefined) return { ...gate, ok: false, detail: `the archive was refused: ${rejected}` }
  if (missed.length === 0) return gate
  const named = missed.slice(0, NAMED).map(({ name, reason }) => `${name} (${reason})`)
  return { ...gate, detail: `not served: ${named.join(', ')}` }
}
