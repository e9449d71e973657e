// SPDX-License-Identifier: Apache-2.0
import test from 'ava'
import { Redactor } from '../../../../src/learn/run/redact.js'

const redactor = new Redactor({
  PASSWORD: 'hunter2.*',
  URL: 'postgres://u:hunter2.*@db',
  DEBUG: '1',
  KEY: 'line1\nline2',
})

test('values are hidden wherever they stand, the longest first', (t) => {
  t.is(redactor.text('to postgres://u:hunter2.*@db with hunter2.* (1)'), 'to *** with *** (1)')
  t.is(redactor.text('line1 and line2, hunter2x'), '*** and ***, hunter2x')
  t.is(new Redactor({}).text('same'), 'same')
})

test('a value is found in bytes', (t) => {
  t.true(redactor.finds(Buffer.from('\0\xffhunter2.*\0', 'latin1')))
  t.true(redactor.finds(Buffer.from('hunter2.*')))
  t.false(redactor.finds(Buffer.from('hunter')))
})

test('a value that comes in pieces is hidden, and each stream has its own', (t) => {
  const seen: string[] = []
  const output = redactor.output((stream, chunk) => seen.push(`${stream}:${chunk}`))
  output.push('stdout', Buffer.from('password: hun'))
  output.push('stderr', Buffer.from('error\n'))
  output.push('stdout', Buffer.from('ter2.*\nlast hunter'))
  output.push('stdout', Buffer.from('2.*'))
  output.flush()
  t.deepEqual(seen, ['stderr:error\n', 'stdout:password: ***\n', 'stdout:last ***'])
})
