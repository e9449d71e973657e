// SPDX-License-Identifier: Apache-2.0
import test from 'ava'
import { by, compare } from '../../../src/util/order.js'

test('texts are ordered by their units, not by a language', (t) => {
  t.deepEqual(['b', 'é', 'Z', 'a', '_'].sort(compare), ['Z', '_', 'a', 'b', 'é'])
})

test('values with the same text stay in their order', (t) => {
  const values = [
    { name: 'b', at: 1 },
    { name: 'a', at: 2 },
    { name: 'b', at: 3 },
    { name: 'a', at: 4 },
  ]
  t.deepEqual(
    [...values].sort(by('name')).map(({ at }) => at),
    [2, 4, 1, 3],
  )
})
