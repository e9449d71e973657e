// SPDX-License-Identifier: Apache-2.0
// Whether a snapshot may be shipped: hardened containers go on in it, and so does the application, which gets as far as it
// did in training and answers its probes alike.
import { reportStart, type Start } from '../../learn/run/index.js'
import { during } from '../../log/index.js'
import { LineSplitter, withoutEnd } from '../../util/lines.js'
import type { Trial } from '../artifact.js'
import { compareStarts } from '../compare-starts.js'
import { roomOf, type SnapshotArtifact } from './make.js'
import { describeRefusal, SnapshotReport } from './report.js'
import { type Thaws, thawOften } from './thaws.js'

const MAX_LINE_LENGTH = 64 * 1024

/**
 * @param trial     of an image that holds the snapshot
 * @param original  how the application started without
 * @returns why it must not be shipped, where that is so
 */
export async function proveSnapshot(
  { plan }: SnapshotArtifact,
  trial: Trial,
  original: Start,
): Promise<Thaws | string> {
  const title = 'Try the snapshot'
  return await during(trial.progress, ['snapshot-trial', title], async (step) => {
    const room = { ...roomOf({ image: trial.spec.image }, plan), signal: trial.options.signal }
    const imports = plan.programs[0]?.imports ?? []
    const thaws = await thawOften(trial.engine, { room, options: plan.options, imports })
    const reason = typeof thaws === 'string' ? thaws : await startApplication(trial, original)
    if (reason !== undefined) {
      step.fail('it is not shipped')
      return reason
    }
    step.done(`thawed ${(thaws as Thaws).starts} times, and by the application`)
    return thaws
  })
}

async function startApplication(trial: Trial, original: Start): Promise<string | undefined> {
  const report = new SnapshotReport()
  const splitter = new LineSplitter(MAX_LINE_LENGTH)
  const start = await reportStart(trial.engine, trial.spec, {
    ...trial.options,
    activity: async () => report.lines,
    onOutput: (stream, chunk) => {
      if (stream === 'stderr') for (const line of splitter.push(chunk)) report.read(withoutEnd(line))
    },
  })
  const difference = compareStarts(start, original, false)
  if (difference !== null) return `the application does not start as before: ${difference}`
  if (report.thaws.length > 0) return undefined
  const [code] = report.refusals
  return `the application does not use it: ${code ? describeRefusal(code) : 'its runtime said nothing of it'}`
}
