// SPDX-License-Identifier: Apache-2.0
import test from 'ava'
import { parseTimes } from '../../../../src/learn/run/times.js'
import { TIMES, TIMES_VERSION } from '../../../../src/learn/run/times-layout.js'

const clock = (version: number) => {
  const bytes = Buffer.alloc(8 * Object.keys(TIMES).length)
  for (const [name, at] of Object.entries(TIMES))
    bytes.writeBigInt64LE(BigInt(name === 'version' ? version : at), at)
  return bytes
}

test('each time is read from its place', (t) => {
  const { version: _, ...times } = TIMES
  t.deepEqual(parseTimes(clock(TIMES_VERSION)), times)
})

test('a clock that was not written to its end says nothing', (t) => {
  t.is(parseTimes(clock(TIMES_VERSION).subarray(0, -1)), undefined)
  t.is(parseTimes(Buffer.alloc(0)), undefined)
})

test('a clock of another version is refused', (t) => {
  const error = t.throws(() => parseTimes(clock(TIMES_VERSION + 1)))
  t.like(error, { code: 'TRAINING_FAILED' })
  t.regex(error?.message ?? '', new RegExp(`version ${TIMES_VERSION + 1}`))
})
