// SPDX-License-Identifier: Apache-2.0
import test from 'ava'
import { parseOptions } from '../../../bench/options.js'

test('without options everything takes part, except another checkout that was not given', (t) => {
  const options = parseOptions([])
  t.is(options.packages.length, 22)
  t.deepEqual(
    options.pythons.map((python) => python.id),
    ['3.11', '3.13', '3.15'],
  )
  t.false(options.contestants.includes('other'))
  t.true(options.coldRuns > 0)
  t.true(parseOptions(['--other', '/x']).contestants.includes('other'))
})

test('quick means five packages on one interpreter, warm, measured anew', (t) => {
  const options = parseOptions(['--quick'])
  t.is(options.packages.length, 5)
  t.deepEqual(
    options.pythons.map((python) => python.id),
    ['3.11'],
  )
  t.is(options.coldRuns, 0)
  t.true(options.fresh)
})

test('no packages are measured where none is asked for, and then the parts that are', (t) => {
  const options = parseOptions(['--packages', 'none', '--parts', 'location'])
  t.deepEqual(options.packages, [])
  t.deepEqual(
    options.parts.map(({ name }) => name),
    ['location'],
  )
})

test('an unknown name is refused with those that exist', (t) => {
  t.throws(() => parseOptions(['--packages', 'boto3,left-pad']), { message: /left-pad.*one of: boto3/ })
  t.throws(() => parseOptions(['--contestants', 'jython']), { message: /jython.*one of: plain/ })
  t.throws(() => parseOptions(['--runs', '0']), { message: /--runs 0/ })
  t.throws(() => parseOptions(['reprot']), { message: /reprot/ })
})
