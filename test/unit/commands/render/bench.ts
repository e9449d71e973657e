// SPDX-License-Identifier: Apache-2.0
import test from 'ava'
import { renderBench } from '../../../../src/commands/render/bench.js'
import { createStyle } from '../../../../src/log/index.js'
import type { BenchResult, Times } from '../../../../src/usecases/bench/result.js'
import { summarise } from '../../../../src/util/statistics.js'

const PLAIN = createStyle({}, {})
const times = (imports: number, process: number): Times => ({
  imports: summarise([imports - 4, imports, imports + 4]) ?? null,
  ready: null,
  process: summarise([process]) ?? null,
})
const RESULT: BenchResult = {
  schema: 'io.pycds.bench/1',
  image: { reference: 'app:1-cds', id: 'sha256:b' },
  baseline: { reference: 'app:1', id: 'sha256:a' },
  runs: 11,
  subjects: [
    { id: 'shipped', title: 'as shipped', image: 'sha256:a', warm: times(800, 900), cold: null },
    { id: 'baked', title: 'baked', image: 'sha256:b', warm: times(100, 180), cold: null },
  ],
  withoutBytecode: 'the image ships all of it',
  withoutCold: 'emptying the page cache needs root on Linux',
  speedups: [
    { against: 'shipped', cache: 'warm', metric: 'process', factor: 5 },
    { against: 'shipped', cache: 'warm', metric: 'imports', factor: 8 },
  ],
  metric: 'process',
  gate: null,
  warnings: [],
}

test('a row for each image, with the spread; what was not measured is said with its reason', (t) => {
  t.is(
    renderBench(RESULT, PLAIN),
    [
      'app:1-cds against app:1',
      '  medians of 11 starts each, in turns; half of the starts lie in the brackets',
      '',
      '  warm page cache              imports done        whole process',
      '  as shipped            800 ms (798 to 802)  900 ms (900 to 900)',
      '  baked                  100 ms (98 to 102)  180 ms (180 to 180)',
      '  speed-up, as shipped                8.00x                5.00x',
      '',
      '  no second baseline with bytecode: the image ships all of it',
      '',
      '  no cold starts: emptying the page cache needs root on Linux',
    ].join('\n'),
  )
})

test('a limit is told with what was reached', (t) => {
  const gate = { minSpeedup: 6, speedup: 5, ok: false }
  t.regex(renderBench({ ...RESULT, gate }, PLAIN), /whole process: 5\.00x, 6\.00x asked for$/)
})
