// SPDX-License-Identifier: Apache-2.0
// Whether a snapshot may be shipped: hardened containers go on in it, and so does the application, which gets as far as it
// did in training and answers its probes alike.
import type { Start } from '../../learn/run/index.js'
import { during } from '../../log/index.js'
import type { Report, Thawed, Trial } from '../kind/artifact.js'
import { compareStarts } from '../kind/compare-starts.js'
import { startReporting } from '../kind/start.js'
import { whyNoGain } from './gain.js'
import { roomOf, type SnapshotArtifact } from './make.js'
import { adviceFor } from './report.js'
import { COMPARED, EXCLUDE, THAWS, type Thaws, thawOften } from './thaws.js'

/**
 * @param trial     of an image that holds the snapshot
 * @param original  how the application started without
 * @returns why it must not be shipped, where that is so
 */
export async function proveSnapshot(
  { plan }: SnapshotArtifact,
  trial: Trial,
  original: Start,
  report: Report,
): Promise<Thaws | string> {
  const title = 'Try the snapshot'
  return await during(trial.progress, ['snapshot-trial', title], async (step) => {
    const room = { ...roomOf({ image: trial.spec.image }, plan), signal: trial.options.signal }
    const imports = plan.programs[0]?.imports ?? []
    const { options, environment } = plan
    const { timeoutMs } = trial.options.limits
    const thaws = await thawOften(trial.engine, {
      room,
      starts: THAWS,
      compared: COMPARED,
      options,
      environment,
      imports,
      timeoutMs,
    })
    const refused = (reason: string) => {
      step.fail('it is not shipped')
      return reason
    }
    if ('sentence' in thaws)
      return refused(`${thaws.sentence}${thaws.refusal ? adviceFor(thaws.refusal) : ''}`)
    const reason = await startApplication(trial, original, report)
    if (reason !== undefined) return refused(reason)
    const noGain = report.thawed && (await whyNoGain(report.thawed, trial, original))
    if (noGain) return refused(noGain)
    step.done(`thawed ${thaws.starts} times, and by the application`)
    return thaws
  })
}

/**
 * @param trial of an image whose entrypoint is to go on in the snapshot at once
 * @returns why it does not, where that is so
 */
export async function proveLaunch(
  trial: Trial,
  original: Start,
  report: Report,
): Promise<string | undefined> {
  const title = 'Start the entrypoint in the snapshot'
  return await during(trial.progress, ['snapshot-launch', title], async (step) => {
    const reason = (await startApplication(trial, original, report)) ?? whyNot(report.thawed)
    step.done(reason === undefined ? 'it goes on at once' : 'it starts Python first')
    return reason
  })
}

const NO_PROGRAM =
  'none of its processes is a program that was trained; train what production starts (the command behind --)'

function whyNot(thawed: Thawed | null): string | undefined {
  if (thawed?.notAtOnce) return thawed.notAtOnce
  return thawed?.atOnce
    ? undefined
    : 'the process that went on in the snapshot is another than the entrypoint starts: its Python goes on in it once it has started'
}

async function startApplication(trial: Trial, original: Start, report: Report): Promise<string | undefined> {
  const start = await startReporting(report, trial)
  const difference = compareStarts(start, original, false)
  if (difference !== null)
    return `the application, started with the snapshot, does not start as before: ${difference}; where it should have, ${EXCLUDE}`
  const { thawed } = report
  if (thawed !== null && thawed.processes > 0) return undefined
  const reason = thawed?.refusal ? `${thawed.refusal}${adviceFor(thawed.refusal)}` : NO_PROGRAM
  return `the application, started as in training, does not use the snapshot: ${reason}`
}
