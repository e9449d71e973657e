// SPDX-License-Identifier: Apache-2.0
import test from 'ava'
import { present } from '../../../src/util/present.js'

test('only what is undefined is left out', (t) => {
  const fields = present({ a: undefined, b: null, c: 0, d: '', e: false })
  t.deepEqual(Object.keys(fields), ['b', 'c', 'd', 'e'])
})
