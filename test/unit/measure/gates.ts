// SPDX-License-Identifier: Apache-2.0
import test from 'ava'
import { assertGates, speedupGate } from '../../../src/measure/gates.js'
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

test('nobody asked', (t) => {
  t.deepEqual(speedupGate(limits(), measured(1, true)), [])
})
