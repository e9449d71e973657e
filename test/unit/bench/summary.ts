// SPDX-License-Identifier: Apache-2.0
import test from 'ava'
import { describeMeans } from '../../../bench/lines.js'
import type { Entry, Results, Times } from '../../../bench/results.js'
import { factor, isPure, meanFactor } from '../../../bench/summary.js'
import { summarise } from '../../../src/util/statistics.js'

function times(ms: number): Times {
  const one = summarise([ms])
  if (one === undefined) throw new Error('one value has a summary')
  return { phase: one, process: one, phaseCpu: one, processCpu: one }
}

function entry(name: string, contestants: Entry['contestants']): Entry {
  return { python: '3.11', package: name, cache: 'warm', runs: 1, contestants, absent: [] }
}

const ENTRIES = [
  entry('requests', { plain: times(100), pycds: times(50) }),
  entry('numpy', { plain: times(100), pycds: times(200) }),
  entry('boto3', { plain: times(100) }),
]

test('the factor tells how many times as fast, and is absent with its contestant', (t) => {
  t.deepEqual(
    ENTRIES.map((one) => factor(one, 'phase', 'pycds', 'plain')),
    [2, 0.5, undefined],
  )
})

test('the mean counts the packages where both took part, and names the worst', (t) => {
  const mean = meanFactor(ENTRIES, 'process', 'pycds', 'plain')
  t.is(mean?.factor, 1)
  t.is(mean?.count, 2)
  t.deepEqual(mean?.least, { package: 'numpy', factor: 0.5 })
  t.is(meanFactor(ENTRIES, 'process', 'cds', 'plain'), undefined)
})

test('packages with large native libraries have a mean of their own', (t) => {
  t.deepEqual(
    ENTRIES.filter(isPure).map((one) => one.package),
    ['requests', 'boto3'],
  )
  const results = { entries: ENTRIES } as unknown as Results
  const text = describeMeans(results)
  t.regex(text, /3\.11 warm, all: pycds import 1\.000x of 2, least 0\.50x numpy/)
  t.regex(text, /without large native libraries: pycds import 2\.000x of 1/)
})
