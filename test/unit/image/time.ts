// SPDX-License-Identifier: Apache-2.0
import test from 'ava'
import { creationText, creationTime } from '../../../src/image/index.js'

const EPOCH = '1970-01-01T00:00:00.000Z'
const LAST = '2242-03-16T12:56:31.000Z'

for (const [created, time] of [
  ['2024-05-01T12:00:00.123456789Z', '2024-05-01T12:00:00.000Z'],
  ['2024-05-01T12:00:00+05:30', '2024-05-01T06:30:00.000Z'],
  ['2016-12-31t23:59:60z', '2016-12-31T23:59:59.000Z'],
  ['0001-01-01T00:00:00Z', EPOCH],
  ['1950-06-01T00:00:00.5-08:00', EPOCH],
  ['9999-12-31T23:59:59Z', LAST],
] as const) {
  test(`${created} is a date: files get ${time}, the history what was written`, (t) => {
    t.is(creationTime({ created }).toISOString(), time)
    t.is(creationText({ created }), created)
  })
}

for (const created of [undefined, '', 'yesterday', '10000-01-01T00:00:00Z', '2024-13-01T00:00:00Z']) {
  test(`${created} is no date: 1970 for both`, (t) => {
    const config = created === undefined ? {} : { created }
    t.is(creationTime(config).toISOString(), EPOCH)
    t.is(creationText(config), '1970-01-01T00:00:00Z')
  })
}
