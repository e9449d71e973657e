// SPDX-License-Identifier: Apache-2.0
// How long is measured, and what is made of it. The times are those that a clock would have left.
import test from 'ava'
import type { PycdsError } from '../../../src/errors/index.js'
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
  const times = {
    version: TIMES_VERSION,
    started: 0,
    lastImport: end,
    processor: end,
    finished: end,
    imports: 100,
    bound: 0,
  }
  const bytes = Buffer.alloc(8 * Object.keys(TIMES).length)
  for (const [name, value] of Object.entries(times)) {
    bytes.writeBigInt64LE(BigInt(value), TIMES[name as keyof typeof TIMES])
  }
  return bytes
}

/**
 * An engine whose starts take these times, and the images in the order in which they were started.
 * @param ends how each start ends: an exit code, or that it runs on
 */
function engineOf(
  times: Readonly<Record<string, readonly number[]>>,
  ends: Readonly<Record<string, readonly (number | 'runs')[]>> = {},
) {
  const started: string[] = []
  const engine = {
    create: async ({ image }: ContainerSpec): Promise<Container> => {
      const round = started.filter((one) => one === image).length
      started.push(image)
      const ms = times[image]?.[round] ?? times[image]?.at(-1)
      const left = new Map(ms === undefined ? [] : [['7', clock(ms)]])
      const end = ends[image]?.[round] ?? ends[image]?.at(-1) ?? 0
      return fakeContainer(undefined, {
        readTree: async () => left,
        ...(end === 'runs' ? {} : { wait: async () => ({ exitCode: end }) }),
      })
    },
    remove: async () => {},
  } as unknown as Engine
  return { engine, started }
}

async function measured(before: readonly number[], after: readonly number[], runs = 5) {
  const { engine, started } = engineOf({ before, after })
  const limits = { timeoutMs: 60_000, stopGraceSeconds: 0 }
  const request = { reference: 'app', before: spec('before'), after: spec('after'), runs, limits }
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

type End = number | 'runs'

/** Measures images whose starts end like this. */
async function ended(before: readonly End[], after: readonly End[], times: readonly number[] = [200]) {
  const { engine, started } = engineOf({ before: [400], after: times }, { before, after })
  const limits = { timeoutMs: 1500, stopGraceSeconds: 0 }
  const request = { reference: 'app', before: spec('before'), after: spec('after'), runs: 2, limits }
  const result = measure(engine, { ...request, signal: new AbortController().signal }, progress)
  return { started, result: await result.catch((error: PycdsError) => error) }
}

for (const [what, before, after] of [
  ['ends alike', [0], [0]],
  ['fails alike', [3], [3]],
  ['is killed alike', [137], [137]],
  ['runs on in both', ['runs'], ['runs']],
  ['ends as another start of an original that is not always the same', [1, 0], [0]],
  ['ends where the original was not given the time to', ['runs', 0], [0]],
  ['was not given the time to end as the original', [0], ['runs', 0]],
] as const satisfies [string, End[], End[]][]) {
  test(`a start that ${what} is not another one`, async (t) => {
    const { result } = await ended(before, after)
    t.false(result instanceof Error, String(result))
  })
}

for (const [what, before, after, message] of [
  ['crashes', [0], [139], /: it ends with exit code 139; the original ends with exit code 0$/],
  ['succeeds where the original fails', [1], [0], /code 0; the original ends with exit code 1$/],
  ['ends where the original is a service', ['runs'], [127], /code 127; the original still runs after 2 s$/],
  [
    'hangs where the original ends',
    [0],
    ['runs'],
    /it still runs after 2 s; the original ends with exit code 0$/,
  ],
  ['crashes once', [0], [0, 139, 0], /code 139/],
] as const satisfies [string, End[], End[], RegExp][]) {
  test(`a start that ${what} is not measured as a fast one`, async (t) => {
    const { result } = await ended(before, after)
    t.like(result, { code: 'VERIFY_FAILED', exitCode: 5 })
    t.regex((result as PycdsError).message, /^image app: the baked image does not start as before: /)
    t.regex((result as PycdsError).message, message)
  })
}

test('a start that fails before its Python is another one as well', async (t) => {
  const { result } = await ended([0], [127], [])
  t.like(result, { code: 'VERIFY_FAILED' })
})

test('of a single round nobody knows how far it is off', async (t) => {
  const { runs, relativeError } = await measured([400], [200], 1)
  t.like({ runs, relativeError }, { runs: 1, relativeError: null })
})
