// SPDX-License-Identifier: Apache-2.0
import test from 'ava'
import { parseUsed } from '../../../bench/accounts.js'

test('the processor time of a group is read from the accounts of both kinds of kernels', (t) => {
  t.is(parseUsed('1500000\n'), 1.5)
  t.is(parseUsed('usage_usec 2500\nuser_usec 2000\nsystem_usec 500\n'), 2.5)
  t.throws(() => parseUsed('user_usec 2000\n'))
  t.throws(() => parseUsed(''))
})
