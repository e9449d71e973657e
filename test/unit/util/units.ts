// SPDX-License-Identifier: Apache-2.0
import test from 'ava'
import {
  formatBytes,
  formatCount,
  formatFactor,
  formatMs,
  formatPercentage,
} from '../../../src/util/units.js'

test('bytes are decimal and change their unit before four digits', (t) => {
  t.deepEqual([0, 999, 1_000, 1_234, 99_949, 999_499, 999_600, 3_100_000, 12e9, 5e12].map(formatBytes), [
    '0 B',
    '999 B',
    '1.0 kB',
    '1.2 kB',
    '100 kB',
    '999 kB',
    '1.0 MB',
    '3.1 MB',
    '12 GB',
    '5000 GB',
  ])
})

test('milliseconds keep their precision where it matters', (t) => {
  t.deepEqual([0.42, 8.44, 412.3, 999.6, 1_270].map(formatMs), [
    '0.4 ms',
    '8.4 ms',
    '412 ms',
    '1.00 s',
    '1.27 s',
  ])
})

test('a factor and a percentage never promise more than was measured', (t) => {
  t.is(formatFactor(2.999), '2.99x')
  t.is(formatFactor(3), '3.00x')
  t.is(formatPercentage(99.99), '99.9 %')
  t.is(formatPercentage(100), '100 %')
})

test('one thing is not several', (t) => {
  t.deepEqual(
    [0, 1, 2].map((n) => formatCount(n, 'module')),
    ['0 modules', '1 module', '2 modules'],
  )
})
