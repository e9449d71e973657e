// SPDX-License-Identifier: Apache-2.0
// What is said of a training run that failed.
import test, { type ExecutionContext } from 'ava'
import Step from '../../../src/commands/step.js'
import type { PycdsError } from '../../../src/errors/index.js'
import { runTraining } from '../../../src/learn/training.js'
import { createProgress } from '../../../src/log/index.js'
import type { Engine } from '../../../src/ports/index.js'
import { fakeContainer } from '../../helpers/fake-container.js'
import { sampleRunLog } from '../../helpers/run-log.js'

async function failedRun(t: ExecutionContext, more: { inBuild?: boolean } = {}): Promise<PycdsError> {
  const container = fakeContainer(undefined, {
    start: async (onOutput) => onOutput?.('stderr', Buffer.from("KeyError: 'API'\n")),
    wait: async () => ({ exitCode: 1 }),
    readTree: async () => new Map([['7.runlog', sampleRunLog()]]),
  })
  const engine = { create: async () => container, remove: async () => {} } as unknown as Engine
  const request = {
    ...{ reference: 'app', ready: [], probes: [], onTrainFailure: 'fail' as const },
    limits: { timeoutMs: 5000, stopGraceSeconds: 0 },
    ...more,
  }
  const spec = { image: 'app', preload: undefined, tracer: Buffer.alloc(0), probe: Buffer.alloc(0) }
  const input = {
    ...{ ready: { specs: [{ kind: 'exit' as const }] }, image: container },
    surroundings: { command: ['app'], path: '/bin', directory: '/' },
  }
  const progress = createProgress('quiet', { stream: process.stderr, appOutput: 'hide', env: {} })
  const ports = { engine, progress, signal: new AbortController().signal }
  return (await t.throwsAsync(runTraining(request, spec, input, ports))) as PycdsError
}

test('a program that ends with an error may lack a variable or a file, among others', async (t) => {
  const error = await failedRun(t)
  t.is(error.code, 'TRAINING_FAILED')
  t.is(error.message, "image app: the training run ended with exit code 1 after 0 imports: KeyError: 'API'")
  for (const option of ['--train-env', '--mount', '`--`', '--train imports', '--on-train-failure keep'])
    t.true(error.hint?.includes(option), error.hint)
})

test('in a build step a file comes by COPY, since there is no --mount', async (t) => {
  const { hint } = await failedRun(t, { inBuild: true })
  t.regex(hint, /--train-env NAME=VALUE, files by a COPY into this stage\./)
  const own = Object.keys(Step.flags)
  for (const [, option = ''] of hint.matchAll(/--([a-z][a-z-]+)/g)) t.true(own.includes(option), option)
})
