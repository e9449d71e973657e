// SPDX-License-Identifier: Apache-2.0
import test from 'ava'
import { parseStarts } from '../../../bench/driver.js'

test('a line of the driver is one start, in milliseconds', (t) => {
  t.deepEqual(parseStarts('3 1 2500000 2000000 1500000 1000000 7 900 42000000\n'), [
    {
      ...{ round: 3, starter: 1, process: 2.5, processCpu: 2, phase: 1.5, phaseCpu: 1 },
      ...{ majorFaults: 7, minorFaults: 900, began: 42 },
    },
  ])
})

test('no line is no start', (t) => {
  t.deepEqual(parseStarts(''), [])
})
