// SPDX-License-Identifier: Apache-2.0
// Whether a snapshot gains anything where it is to: in the process that imports most of the application itself. In a start that
// finds its modules ready that is known from the trial of its imports; in one that does not, it is measured.
import { ALONE, type Start, type TrainingSpec, timeStart } from '../../learn/run/index.js'
import { UNTIL_SETTLED } from '../../measure/measure.js'
import type { Thawed, Trial } from '../kind/artifact.js'
import { COMPARED, isGain, type Processor, processorOf, tellProcessor } from './thaws.js'

/**
 * @param thawed  what a start of the application has said
 * @returns why the snapshot is not worth its while, where that is so
 */
export async function whyNoGain(thawed: Thawed, trial: Trial, { by }: Start): Promise<string | undefined> {
  const [first] = thawed.notReady
  if (first === undefined || by === undefined) return undefined
  const withSnapshot: number[] = []
  const withArchive: number[] = []
  while (withSnapshot.length < COMPARED) {
    const took = [await timed(trial, {}), await timed(trial, { PYCDS_SNAPSHOT: 'off' })] as const
    if (took[0] === undefined || took[1] === undefined) return undefined
    withSnapshot.push(took[0])
    withArchive.push(took[1])
  }
  const processor = processorOf(withSnapshot, withArchive)
  // Here there is a reason to doubt the gain: one lucky start is none to believe in it.
  return isGain(processor) ? undefined : sentence(processor, thawed, first)
}

function sentence(
  processor: Processor,
  { notReady, statements }: Thawed,
  { name, because, reason }: Thawed['notReady'][number],
): string {
  return (
    `the application, started both ways, imports in ${tellProcessor(processor)}, less than a tenth saved: ${notReady.length} of ` +
    `${statements} import statements did not find their modules ready, first that of ${name} (${because}: ${reason}); import before that happens, or leave --snapshot out`
  )
}

/** What the process that imported most had had of the processor by its last import; undefined: none was seen. */
async function timed(
  { engine, spec, options }: Trial,
  env: Readonly<Record<string, string>>,
): Promise<number | undefined> {
  const start: TrainingSpec = { ...spec, surroundings: surroundingsWith(spec, env) }
  const ready = { specs: UNTIL_SETTLED }
  const { times } = await timeStart(engine, start, { ...options, ready, runtimeClock: true })
  return times?.processor
}

function surroundingsWith({ surroundings = ALONE }: TrainingSpec, env: Readonly<Record<string, string>>) {
  return { ...surroundings, env: { ...surroundings.env, ...env } }
}
