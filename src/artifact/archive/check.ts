// SPDX-License-Identifier: Apache-2.0
// What a container of the new image takes from its archive, started as the source image was trained.
import { during } from '../../log/index.js'
import { atLeast, type Gate } from '../../measure/gates.js'
import type { Checked, Limits, Report, Trial } from '../kind/artifact.js'
import { startReporting } from '../kind/start.js'

/** How many of the modules that did not come from the archive a failed limit names. */
const NAMED = 3

/** Starts the image once, untraced, and counts what its runtime says; not at all unless a limit asks for it. */
export async function checkArchive(trial: Trial, { minHitRate }: Limits, report: Report): Promise<Checked> {
  if (minHitRate === undefined) return { checks: { hitRate: null }, gates: [] }
  await countHits(trial, report)
  const { served, total, hitRate: percent } = report.counts
  return { checks: { hitRate: { served, total, percent } }, gates: [hitRateGate(minHitRate, report)] }
}

/** The limits that only a start can tell, as options. */
export function archiveLimits({ minHitRate }: Limits): string[] {
  return minHitRate === undefined ? [] : ['--min-hit-rate']
}

async function countHits(trial: Trial, report: Report): Promise<void> {
  const title = 'Start the new image and count what its archive serves'
  await during(trial.progress, ['hit-rate', title], async (step) => {
    const { failure } = await startReporting(report, trial)
    if (failure) throw failure
    step.done(report.brief)
  })
}

function hitRateGate(minHitRate: number, { counts, missed, rejected }: Report): Gate {
  const gate = atLeast('min-hit-rate', minHitRate, counts.hitRate, '% served from the archive')
  if (rejected !== undefined) return { ...gate, ok: false, detail: `the archive was refused: ${rejected}` }
  if (missed.length === 0) return gate
  const named = missed.slice(0, NAMED).map(({ name, reason }) => `${name} (${reason})`)
  return { ...gate, detail: `not served: ${named.join(', ')}` }
}
