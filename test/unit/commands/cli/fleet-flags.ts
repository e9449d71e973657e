// SPDX-License-Identifier: Apache-2.0
import test from 'ava'
import { assertNoFleet, toFleetRequest } from '../../../../src/commands/cli/fleet-flags.js'
import type { PycdsError } from '../../../../src/errors/index.js'

const parts = (...texts: string[]) => texts.map((shard) => toFleetRequest({ jobs: '1', shard }).shard?.index)

test('parts are counted from 0 or from 1, and both ways they are the whole', (t) => {
  t.deepEqual(parts('0/3', '1/3', '2/3'), [0, 1, 2])
  t.deepEqual(parts('1/3', '2/3', '3/3'), [1, 2, 0])
  t.deepEqual(parts('1/1', '0/1'), [0, 0])
})

for (const shard of ['4/3', '1/0', '1', '-1/3', 'a/b', '1/3/5', ''])
  test(`--shard ${JSON.stringify(shard)} is refused`, (t) => {
    const error = t.throws(() => toFleetRequest({ jobs: '1', shard }))
    t.is((error as unknown as PycdsError).code, 'USAGE')
  })

for (const jobs of ['0', '-1', 'many', '1.5'])
  test(`--jobs ${jobs} is refused`, (t) => {
    const error = t.throws(() => toFleetRequest({ jobs }))
    t.is((error as unknown as PycdsError).code, 'USAGE')
  })

test('what is about several images is refused for one', (t) => {
  for (const flags of [{ jobs: '2' }, { jobs: '1', shard: '0/2' }, { jobs: '1', results: 'dir' }]) {
    t.is((t.throws(() => assertNoFleet(flags)) as unknown as PycdsError).code, 'USAGE')
  }
  t.notThrows(() => assertNoFleet({ jobs: '1' }))
})
