// SPDX-License-Identifier: Apache-2.0
import test from 'ava'
import { judge, mainMetric, speedups } from '../../../../src/usecases/bench/compare.js'
import type { BenchSubject, Times } from '../../../../src/usecases/bench/result.js'
import { toTimes } from '../../../../src/usecases/bench/rounds.js'
import { summarise } from '../../../../src/util/statistics.js'

const ms = (value: number | null) => (value === null ? null : (summarise([value]) ?? null))
const times = (imports: number, ready: number | null, process: number | null): Times => ({
  imports: ms(imports),
  ready: ms(ready),
  process: ms(process),
})
const subject = (id: BenchSubject['id'], warm: Times, cold: Times | null = null): BenchSubject => {
  return { id, title: id, image: 'sha256:0', warm, cold }
}

const PROGRAM = [
  subject('shipped', times(100, null, 200), times(300, null, 400)),
  subject('bytecode', times(60, null, 120)),
  subject('baked', times(50, null, 100), times(100, null, 200)),
]

test('a program is judged by its whole run, a service by when it listens, else by its imports', (t) => {
  t.is(mainMetric(PROGRAM), 'process')
  t.is(mainMetric([subject('shipped', times(2, 3, null)), subject('baked', times(1, 2, null))]), 'ready')
  // One start of it ended, another did not.
  t.is(mainMetric([subject('shipped', times(2, null, 3)), subject('baked', times(1, null, null))]), 'imports')
})

test('each baseline has its factors, warm and cold, for what was measured', (t) => {
  const factors = speedups(PROGRAM).map(
    ({ against, cache, metric, factor }) => `${against} ${cache} ${metric} ${factor}`,
  )
  t.deepEqual(factors, [
    'shipped warm process 2',
    'shipped warm imports 2',
    'shipped cold process 2',
    'shipped cold imports 3',
    'bytecode warm process 1.2',
    'bytecode warm imports 1.2',
  ])
})

test('the limit is for warm starts against the image as shipped', (t) => {
  const factors = speedups(PROGRAM)
  t.deepEqual(judge(2, 'process', factors), { minSpeedup: 2, speedup: 2, ok: true })
  t.deepEqual(judge(2.01, 'process', factors), { minSpeedup: 2.01, speedup: 2, ok: false })
  t.is(judge(undefined, 'process', factors), null)
})

test('what was not measured misses every limit', (t) => {
  t.like(judge(1, 'ready', speedups(PROGRAM)), { ok: false })
})

test('a moment that one start lacks is no moment of the image', (t) => {
  const both = toTimes([
    { imports: 1, processor: 0, ready: null, exit: 5 },
    { imports: 3, processor: 0, ready: null, exit: null },
  ])
  t.is(both.imports?.median, 2)
  t.is(both.process, null)
  t.is(both.ready, null)
})
