// SPDX-License-Identifier: Apache-2.0
// Learns what an image imports, and makes nothing of it but a trace.
import { nodeArchitecture } from '../image/index.js'
import { type LearnRequest, learn } from '../learn/learn.js'
import type { Surroundings } from '../learn/run/index.js'
import { planRuns, resolveSource, subjectOf } from '../learn/source.js'
import type { Trace } from '../learn/trace/trace-file.js'
import { toTrace } from '../learn/trace/traces.js'
import { describeTraining } from '../learn/training.js'
import type { Ports } from '../ports/index.js'
import { withContainer } from '../ports/with-container.js'
import { type BakeResult, libraryOf } from './result.js'

export interface RecordRequest extends LearnRequest {
  surroundings: Surroundings
}

export interface RecordResult {
  schema: 'io.pycds.record/1'
  image: { reference: string; id: string }
  /** `library`: what holds the interpreter where a program has it as a library; else null. */
  python: { version: string; executable: string; library: string | null }
  training: BakeResult['training']
  modules: number
  leftOut: number
  /** Where the trace was written; null when it went to stdout. */
  output: string | null
  warnings: string[]
}

/** Runs the image once, or imports modules of it, and gives the trace of that. */
export async function record(
  request: RecordRequest,
  ports: Ports,
): Promise<{ trace: Trace; result: Omit<RecordResult, 'output'> }> {
  ports.engine.showProgress?.(ports.progress)
  const source = await resolveSource(request.reference, ports)
  const plan = planRuns(request, subjectOf(source), ports.archiver.injected(nodeArchitecture(source)))
  const { python, selection, training, warnings } = await withContainer(ports.engine, source.id, (image) =>
    learn(request, { ...plan, image }, ports),
  )
  for (const warning of warnings) ports.progress.warn(warning)
  const platform = `${source.os}/${source.architecture}`
  return {
    trace: toTrace({ id: source.id, platform }, python, selection),
    result: {
      schema: 'io.pycds.record/1',
      image: { reference: request.reference, id: source.id },
      python: {
        version: python.python.version,
        executable: python.python.launcher,
        library: libraryOf(python.python),
      },
      training: describeTraining(request, source.config, plan.ready, training),
      modules: selection.modules.length,
      leftOut: selection.leftOut.length,
      warnings,
    },
  }
}
