// SPDX-License-Identifier: Apache-2.0
// How long is measured, and what is made of it. The times are those that a clock would have left.
import test from 'ava'
import { TIMES, TIMES_VERSION } from '../../../src/learn/run/times-layout.js'
import { measure } from '../../../src/measure/measure.js'
import type { Container, ContainerSpec, Engine } from '../../../src/ports/index.js'
import { fakeContainer } from '../../helpers/fake-container.js'

const spec = (image: string) => ({
  image,
  preload: undefined,
  tracer: Buffer.alloc(0),
  probe: Buffer.alloc(0),
})
const progress = {
  step: () => ({ update: () => {}, done: () => {}, fail: () => {} }),
  appOutput: () => {},
  warn: () => {},
}

/** What a process leaves that has ended after so many milliseconds. */
function clock(ms: number): Buffer {
  const end = Math.round(ms * 1e6)
  const times = { version: TIMES_VERSION, started: 0, lastImport: end, finished: end, imports: 100, bound: 0 }
  const bytes = Buffer.alloc(8 * Object.keys(TIMES).length)
  for (const [name, value] of Object.entries(times)) {
    bytes.writeBigInt64LE(BigInt(value), TIMES[name as keyof typeof TIMES])
  }
  return bytes
}

/** An engine whose starts take these times, and the images in the order in which they were started. */
function engineOf(times: Readonly<Record<string, readonly number[]>>) {
  const started: string[] = []
  const engine = {
    create: async ({ image }: ContainerSpec): Promise<Container> => {
      const round = started.filter((one) => one === image).length
      started.push(image)
      const left = new Map([['7', clock(times[image]?.[round] ?? Number.NaN)]])
      return fakeContainer(undefined, {
        wait: async () => ({ exitCode: 0 }),
        readTree: async () => left,
      })
    },
    remove: async () => {},
  } as unknown as Engine
  return { engine, started }
}

async function measured(before: readonly number[], after: readonly number[], runs = 5) {
  const { engine, started } = engineOf({ before, after })
  const limits = { timeoutMs: 60_000, stopGraceSeconds: 0 }
  const request = { before: spec('before'), after: spec('after'), runs, limits }
  const result = await measure(engine, { ...request, signal: new AbortController().signal }, progress)
  return { ...result, started }
}

test('a stable answer is there after two rounds, in turns, and tells how far it may be off', async (t) => {
  const { runs, speedup, relativeError, noisy, metric, started } = await measured([400, 404], [200, 201])
  t.deepEqual(started, ['before', 'after', 'before', 'after'])
  t.like({ runs, noisy, metric }, { runs: 2, noisy: false, metric: 'exit' })
  t.true(Math.abs((speedup ?? 0) - 2.005) < 0.001)
  t.true((relativeError ?? 1) > 0 && (relativeError ?? 1) <= 0.05)
})

test('measuring goes on until it is stable', async (t) => {
  const { runs } = await measured([400, 500, 401, 400, 400], [200, 200, 200, 200, 200])
  t.true((runs ?? 0) > 2 && (runs ?? 9) <= 5, `${runs} rounds`)
})

test('it ends with the rounds that were asked for, and a spread wider than the difference is noisy', async (t) => {
  const wide = [100, 300, 120, 280, 200]
  const { runs, noisy, relativeError } = await measured(wide, [...wide].reverse())
  t.like({ runs, noisy }, { runs: 5, noisy: true })
  t.true((relativeError ?? 0) > 0.05)
})

test('of a single round nobody knows how far it is off', async (t) => {
  const { runs, relativeError } = await measured([400], [200], 1)
  t.like({ runs, relativeError }, { runs: 1, relativeError: null })
})
