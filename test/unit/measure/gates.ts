// SPDX-License-Identifier: Apache-2.0
import test from 'ava'
import type { PycdsError } from '../../../src/errors/index.js'
import { assertGates, atLeast, layerGate, reproGate, speedupGate } from '../../../src/measure/gates.js'
import type { StartComparison } from '../../../src/measure/measure.js'

const measured = (speedup: number, noisy: boolean) => ({ speedup, noisy }) as StartComparison
const limits = (minSpeedup?: number) => ({ ...(minSpeedup === undefined ? {} : { minSpeedup }) }) as never

test('a factor that is certain is judged', (t) => {
  t.deepEqual(
    [2, 1.2].map((speedup) => speedupGate(limits(1.5), measured(speedup, false))[0]?.ok),
    [true, false],
  )
})

test('one that is no more than chance is no answer, whatever it is', (t) => {
  for (const speedup of [2, 1.2]) {
    const gates = speedupGate(limits(1.5), measured(speedup, true))
    t.like(
      t.throws(() => assertGates('app', gates)),
      { code: 'GATE_FAILED', exitCode: 5 },
    )
    t.throws(() => assertGates('app', gates), { message: /--min-speedup 1\.5: .*noisy/ })
  }
})

test('what is missed by little is not printed as kept', (t) => {
  const fail = (...gates: Parameters<typeof assertGates>[1]) =>
    t.throws(() => assertGates('app', gates), { code: 'GATE_FAILED' })?.message
  t.is(
    fail(atLeast('min-hit-rate', 100, 99.999, '% served from the archive')),
    'image app: --min-hit-rate 100: it is 99.9 % served from the archive',
  )
  t.is(
    fail(...speedupGate(limits(2), measured(1.9999, false))),
    'image app: --min-speedup 2: it is 1.99 times as fast',
  )
})

test('each limit that is missed has its own advice', (t) => {
  const large = layerGate({ maxLayerBytes: 1e6, checkRepro: false }, 2_307_654)
  const other = reproGate({ checkRepro: true }, 'module x')
  const missed = [atLeast('min-hit-rate', 95, 40, '%')]
  const slow = speedupGate(limits(1.5), measured(1.2, false))
  const noisy = speedupGate(limits(1.5), measured(1.2, true))
  const fail = (...gates: Parameters<typeof assertGates>[1]) =>
    t.throws(() => assertGates('app', gates), { code: 'GATE_FAILED' }) as PycdsError
  t.is(fail(...large).message, 'image app: --max-layer-size 1 MB: the layer has 2.3 MB, compressed')
  t.regex(
    fail(...large).hint ?? '',
    /^Nothing was tagged\. Train with a command that imports less, .*raise the limit\.$/,
  )
  t.regex(fail(...other).hint ?? '', /does the same each time/)
  t.notRegex(fail(...other).hint ?? '', /limit/)
  for (const gates of [missed, slow])
    t.regex(fail(...gates).hint ?? '', /imports more, or lower the limit\.$/)
  t.is(fail(...missed, ...slow).hint, fail(...slow).hint)
  t.is(
    fail(...noisy).hint,
    'Nothing was tagged. Measure on a quieter machine, or with more rounds (--measure).',
  )
})

test('a layer that is little more than its limit is told to the byte', (t) => {
  const gates = layerGate({ maxLayerBytes: 2_300_000, checkRepro: false }, 2_300_001)
  t.throws(() => assertGates('app', gates), {
    message: /--max-layer-size 2300000 B: the layer has 2300001 B/,
  })
})

test('nobody asked', (t) => {
  t.deepEqual(speedupGate(limits(), measured(1, true)), [])
})
