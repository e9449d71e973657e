// SPDX-License-Identifier: Apache-2.0
// A run of the image's Python that compiles what it is told and runs none of it.
import type { Progress } from '../log/index.js'
import { type CompileList, compileRun, type PythonStart, type Training, train } from '../train/index.js'
import type { LearnInput } from './learn.js'
import type { Engine } from './ports.js'

export interface ReadCodeRequest {
  /** For people. */
  title: string
  python: PythonStart
  list: CompileList
  timeoutMs: number
  stopGraceSeconds: number
}

/** Gives what the interpreter makes of the sources, as a training run would. */
export async function readCode(
  request: ReadCodeRequest,
  input: Pick<LearnInput, 'spec' | 'scripts'>,
  ports: { engine: Engine; progress: Progress; signal: AbortSignal },
): Promise<Training> {
  const step = ports.progress.step('trace', request.title)
  try {
    const run = compileRun(input.spec, input.scripts.compile, request.python, request.list)
    const read = await train(ports.engine, run, {
      ready: { specs: [{ kind: 'exit' }] },
      probes: [],
      timeoutMs: request.timeoutMs,
      stopGraceSeconds: request.stopGraceSeconds,
      signal: ports.signal,
      onImports: (count) => step.update(`${count} modules`),
    })
    if (read.failure) throw read.failure
    step.done(`${read.activity} modules`)
    return read
  } catch (error) {
    step.fail('failed')
    throw error
  }
}
