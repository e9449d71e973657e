// SPDX-License-Identifier: Apache-2.0
// What a bake would do, as far as that is known without starting anything.
import { nodeArchitecture } from '../image/index.js'
import { planRuns, resolveSource, subjectOf } from '../learn/source.js'
import { describePlan, type TrainingPlan } from '../learn/training.js'
import type { Ports } from '../ports/index.js'
import type { BakeRequest } from './bake-request.js'
import { chooseOutput } from './output.js'

export interface PlanResult {
  schema: 'io.pycds.plan/1'
  source: { reference: string; id: string; platform: string; layers: number }
  /** Where the new image would go. */
  output: string
  training: TrainingPlan
}

/** Plans a bake. What is wrong with the request, or missing in the image, is thrown as a bake would. */
export async function plan(request: BakeRequest, ports: Ports): Promise<PlanResult> {
  chooseOutput(request)
  const source = await resolveSource(request.reference, ports)
  const output = chooseOutput(request, source.name)
  const { ready } = planRuns(request, subjectOf(source), ports.archiver.injected(nodeArchitecture(source)))
  return {
    schema: 'io.pycds.plan/1',
    source: {
      reference: request.reference,
      id: source.id,
      platform: `${source.os}/${source.architecture}`,
      layers: source.layers,
    },
    output,
    training: describePlan(request, source.config, ready),
  }
}
