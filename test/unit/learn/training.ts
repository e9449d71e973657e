// SPDX-License-Identifier: Apache-2.0
// What is said of a training run that failed.
import test from 'ava'
import type { PycdsError } from '../../../src/errors/index.js'
import { runTraining } from '../../../src/learn/training.js'
import { createProgress } from '../../../src/log/index.js'
import type { Engine } from '../../../src/ports/index.js'
import { fakeContainer } from '../../helpers/fake-container.js'
import { sampleRunLog } from '../../helpers/run-log.js'

test('a program that ends with an error may lack a variable, among others', async (t) => {
  const container = fakeContainer(undefined, {
    start: async (onOutput) => onOutput?.('stderr', Buffer.from("KeyError: 'API'\n")),
    wait: async () => ({ exitCode: 1 }),
    readTree: async () => new Map([['7.runlog', sampleRunLog()]]),
  })
  const engine = { create: async () => container, remove: async () => {} } as unknown as Engine
  const request = {
    ...{ reference: 'app', ready: [], probes: [], onTrainFailure: 'fail' as const },
    limits: { timeoutMs: 5000, stopGraceSeconds: 0 },
  }
  const spec = { image: 'app', preload: undefined, tracer: Buffer.alloc(0), probe: Buffer.alloc(0) }
  const input = {
    ...{ ready: { specs: [{ kind: 'exit' as const }] }, image: container },
    surroundings: { command: ['app'], path: '/bin', directory: '/' },
  }
  const progress = createProgress('quiet', { stream: process.stderr, appOutput: 'hide', env: {} })
  const ports = { engine, progress, signal: new AbortController().signal }
  const error = (await t.throwsAsync(runTraining(request, spec, input, ports))) as PycdsError
  t.is(error.code, 'TRAINING_FAILED')
  t.is(error.message, "image app: the training run ended with exit code 1 after 0 imports: KeyError: 'API'")
  for (const option of ['--train-env', '`--`', '--train imports', '--on-train-failure keep'])
    t.true(error.hint?.includes(option), error.hint)
})
