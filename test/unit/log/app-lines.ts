// SPDX-License-Identifier: Apache-2.0
import test from 'ava'
import { createAppLines } from '../../../src/log/app-lines.js'

test('a character that arrives in two chunks is one character', (t) => {
  const app = createAppLines()
  const bytes = Buffer.from('héllo\n')
  t.deepEqual(app.push('stdout', bytes.subarray(0, 2)), [])
  t.deepEqual(app.push('stdout', bytes.subarray(2)), ['app | héllo'])
})

test('a carriage return ends a line, but is not an extra one before a line feed, even across chunks', (t) => {
  const app = createAppLines()
  t.deepEqual(app.push('stdout', Buffer.from('10%\r20%\r')), ['app | 10%'])
  t.deepEqual(app.push('stdout', Buffer.from('\nnext\n')), ['app | 20%', 'app | next'])
})

test('an endless line is shown in pieces and not kept', (t) => {
  const app = createAppLines()
  const lines = app.push('stderr', Buffer.alloc(10_000, 'x'))
  t.deepEqual(
    lines.map((line) => line.length),
    [4096 + 6, 4096 + 6],
  )
  t.is(app.flush()[0]?.length, 10_000 - 2 * 4096 + 6)
})

test('what is flushed is gone', (t) => {
  const app = createAppLines()
  app.push('stdout', Buffer.from('rest'))
  t.deepEqual(app.flush(), ['app | rest'])
  t.deepEqual(app.flush(), [])
})
