// SPDX-License-Identifier: Apache-2.0
import test from 'ava'
import { train, watch } from '../../../../src/learn/run/index.js'
import type { Container, Engine } from '../../../../src/ports/index.js'

const options = {
  ready: { specs: [{ kind: 'exit' }] } as const,
  probes: [],
  limits: { timeoutMs: 5000, stopGraceSeconds: 0 },
  signal: new AbortController().signal,
}

/** A container that ends at once (or never), whose tracer counted `counted` imports and recorded none. */
function fake(counted: number, ends = true) {
  const calls: string[] = []
  let end = (_: { exitCode: number }) => {}
  const ended = new Promise<{ exitCode: number }>((resolve) => {
    end = resolve
  })
  const container: Container = {
    id: 'fake',
    start: async () => undefined,
    wait: () => (ends ? Promise.resolve({ exitCode: 0 }) : ended),
    exec: async () => ({ exitCode: 0, output: '' }),
    stop: async () => {
      calls.push('stop')
      end({ exitCode: 137 })
    },
    stat: async () => ({ size: counted, mtime: '', mode: 0o100666 }),
    lstat: async () => undefined,
    readFile: async () => undefined,
    readTree: async () => new Map(),
    changed: async () => new Set(),
  }
  const engine = {
    create: async () => container,
    remove: async () => void calls.push('remove'),
  } as unknown as Engine
  return { engine, container, calls }
}

const spec = { image: 'app', preload: undefined, tracer: Buffer.alloc(0), probe: Buffer.alloc(0) }

test('a trace with fewer records than imports is refused, and the container removed', async (t) => {
  const { engine, calls } = fake(5)
  await t.throwsAsync(train(engine, spec, options), { message: /incomplete: 0 of 5/, code: 'NO_SPACE' })
  t.deepEqual(calls, ['remove'])
})

test('a run that is never ready ends with its time, and the container is stopped', async (t) => {
  const { container, calls } = fake(3, false)
  const { failure, by } = await watch(container, {
    ...options,
    limits: { timeoutMs: 300, stopGraceSeconds: 0 },
    activity: async () => 3,
  })
  t.is(by, undefined)
  t.is(failure?.code, 'TRAINING_TIMEOUT')
  t.regex(failure?.message ?? '', /not ready after 0\.3 s: it went on importing \(3 modules so far\)/)
  t.deepEqual(calls, ['stop'])
})

test('an interruption ends the run', async (t) => {
  const { container } = fake(0, false)
  const abort = new AbortController()
  abort.abort()
  const run = watch(container, { ...options, signal: abort.signal, activity: async () => 0 })
  await t.throwsAsync(run, { code: 'INTERRUPTED' })
})
