// SPDX-License-Identifier: Apache-2.0
import test from 'ava'
import { isInShard } from '../../../../src/usecases/fleet/index.js'

const NAMES = Array.from({ length: 500 }, (_, at) => `host/team/app:${at}`)

test('every image is in one part, and the parts are of about the same size', (t) => {
  for (const count of [1, 2, 3, 7]) {
    const parts = Array.from({ length: count }, (_, index) =>
      NAMES.filter((name) => isInShard(name, { index, count })),
    )
    t.deepEqual(parts.flat().sort(), [...NAMES].sort())
    const even = NAMES.length / count
    for (const part of parts) t.true(Math.abs(part.length - even) < even / 2, `${part.length} of ${count}`)
  }
})

test('an image stays in its part, whatever else there is', (t) => {
  // Fixed: machines of different versions share the same images.
  t.deepEqual(
    [0, 1, 2].map((index) => isInShard('app:1', { index, count: 3 })),
    [false, true, false],
  )
})
