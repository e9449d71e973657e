// SPDX-License-Identifier: Apache-2.0
// A run of the image's Python that compiles what it is told and runs none of it.
import { during } from '../log/index.js'
import type { Injected, RunPorts } from '../ports/index.js'
import {
  type CompileList,
  compileRun,
  type PythonStart,
  type RunLimits,
  type Training,
  type TrainingSpec,
  train,
} from './run/index.js'

export interface ReadCodeRequest {
  /** For people. */
  title: string
  python: PythonStart
  list: CompileList
  limits: RunLimits
}

/** How runs of the image are made, and the program that compiles. */
export interface ReadInput {
  spec: TrainingSpec
  scripts: Pick<Injected['scripts'], 'compile'>
}

/** Gives what the interpreter makes of the sources, as a training run would. */
export async function readCode(
  request: ReadCodeRequest,
  input: ReadInput,
  ports: Omit<RunPorts, 'archiver'>,
): Promise<Training> {
  return await during(ports.progress, ['trace', request.title], async (step) => {
    const run = compileRun(input.spec, input.scripts.compile, request.python, request.list)
    const read = await train(ports.engine, run, {
      ready: { specs: [{ kind: 'exit' }] },
      probes: [],
      limits: request.limits,
      signal: ports.signal,
      onImports: (count) => step.update(`${count} modules`),
    })
    if (read.failure) throw read.failure
    step.done(`${read.activity} modules`)
    return read
  })
}
