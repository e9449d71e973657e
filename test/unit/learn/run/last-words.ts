// SPDX-License-Identifier: Apache-2.0
import test from 'ava'
import { LastWords } from '../../../../src/learn/run/last-words.js'

const TRACEBACK = [
  'Traceback (most recent call last):',
  '  File "/db.py", line 3, in <module>',
  '    connect()',
]

function lastOf(...lines: string[]): string | undefined {
  const words = new LastWords()
  words.push('stderr', Buffer.from(`${lines.join('\n')}\n`))
  return words.line
}

test('of a message with several lines the first one is told', (t) => {
  const message = [
    'db.OperationalError: unable to open database file',
    '(Background at: https://example.com/e3q8)',
  ]
  t.is(lastOf('starting', ...TRACEBACK, ...message), message[0])
})

test('of exceptions that led to another the last one is told', (t) => {
  const between = 'During handling of the above exception, another exception occurred:'
  t.is(lastOf(...TRACEBACK, 'KeyError: 1', '', between, '', ...TRACEBACK, 'ValueError: no'), 'ValueError: no')
})

test('what a master says about the end of its worker is no reason', (t) => {
  const master = [
    '[1] [ERROR] Worker (pid:7) exited with code 3',
    '[1] [ERROR] Reason: Worker failed to boot.',
  ]
  t.is(lastOf(...TRACEBACK, 'ModuleNotFoundError: no app', ...master), 'ModuleNotFoundError: no app')
})

test('an exception that the program has gone on after is not told', (t) => {
  const after = Array.from({ length: 20 }, (_, at) => `request ${at}`)
  t.is(lastOf(...TRACEBACK, 'ValueError: handled', ...after), 'request 19')
})

test('without an exception the last line that says something is told', (t) => {
  t.is(lastOf('first', 'no database', ']'), 'no database')
  t.is(lastOf(']'), undefined)
  t.is(lastOf(...TRACEBACK), 'connect()')
})
