// SPDX-License-Identifier: Apache-2.0
import test from 'ava'
import { errorOfFactor, geometricMean, isNoisy, median, summarise } from '../../../src/util/statistics.js'

test('the median of an even count lies between the two in the middle', (t) => {
  t.is(median([4, 1, 3, 2]), 2.5)
  t.is(median([3, 1, 2]), 2)
})

test('half of the values lie between the quartiles', (t) => {
  t.deepEqual(summarise([5, 1, 4, 2, 3]), { median: 3, q1: 2, q3: 4, min: 1, max: 5, count: 5 })
})

test('one value is its own summary, and none has none', (t) => {
  t.deepEqual(summarise([7]), { median: 7, q1: 7, q3: 7, min: 7, max: 7, count: 1 })
  t.is(summarise([]), undefined)
  t.true(Number.isNaN(median([])))
})

test('what is given is not reordered', (t) => {
  const values = [2, 1]
  summarise(values)
  t.deepEqual(values, [2, 1])
})

test('a factor and its inverse cancel out in the geometric mean', (t) => {
  t.is(geometricMean([2, 0.5]), 1)
  t.true(Math.abs(geometricMean([2, 8]) - 4) < 1e-12)
})

test('the error of a factor grows with the spread and shrinks with the number of values', (t) => {
  t.is(errorOfFactor([100], [50]), undefined)
  t.is(errorOfFactor([100, 100], [50, 50]), 0)
  const few = errorOfFactor([90, 110], [45, 55]) ?? 0
  const many = errorOfFactor([90, 110, 90, 110, 90, 110], [45, 55, 45, 55, 45, 55]) ?? 0
  t.true(few > many && many > 0.05)
})

test('a difference within the spread is noise, one beyond it is not', (t) => {
  t.true(isNoisy([100, 160, 120, 90], [90, 150, 130, 120]))
  t.false(isNoisy([400, 410, 405], [200, 204, 201]))
})
