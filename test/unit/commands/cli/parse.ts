// SPDX-License-Identifier: Apache-2.0
import test from 'ava'
import {
  parseCount,
  parseDuration,
  parseFactor,
  parsePercentage,
  parseUser,
  splitCommand,
} from '../../../../src/commands/cli/parse.js'

const refuses = test.macro((t, parse: (text: string) => unknown, ...texts: string[]) => {
  for (const text of texts) {
    const error = t.throws(() => parse(text), undefined, `accepted ${JSON.stringify(text)}`)
    t.is((error as { code?: string } | undefined)?.code, 'USAGE')
    t.true(error?.message.startsWith('--flag'), error?.message)
  }
})
const duration = (text: string) => parseDuration('--flag', text)
const percentage = (text: string) => parsePercentage('--flag', text)
const count = (text: string) => parseCount('--flag', text, 10)

test('a duration is a number with its unit', (t) => {
  t.deepEqual(['500ms', '120s', '2m', '1.5s', '1h'].map(duration), [500, 120_000, 120_000, 1_500, 3_600_000])
})
test(
  'a duration without a unit could be anything',
  refuses,
  duration,
  '120',
  '',
  's',
  '2 m',
  '1d',
  '-1s',
  '1e3s',
)
test(
  'a duration of nothing, or more than a timer can count, is refused',
  refuses,
  duration,
  '0s',
  '0.1ms',
  '25d',
  '600h',
)

test('a percentage may carry its sign', (t) => {
  t.deepEqual(['95', '95%', '99.5%', '0', '100'].map(percentage), [95, 95, 99.5, 0, 100])
})
test(
  'what is not between 0 and 100 is no percentage',
  refuses,
  percentage,
  '101',
  '-1',
  '',
  '%',
  '0,5',
  'NaN',
  '1e1',
)

test('a count is a whole number within its bound', (t) => {
  t.deepEqual(['0', '5', '10'].map(count), [0, 5, 10])
})
test(
  'a count that is not whole, negative or too large is refused',
  refuses,
  count,
  '11',
  '-1',
  '1.5',
  '',
  'x',
  '0x5',
)

test('the command is what follows the first two dashes, untouched', (t) => {
  t.deepEqual(splitCommand(['app', '-t', 'x', '--', 'python', '--json', '--', '-h']), {
    own: ['app', '-t', 'x'],
    command: ['python', '--json', '--', '-h'],
  })
  t.deepEqual(splitCommand(['app']), { own: ['app'] })
})
test('two dashes with nothing behind them are a mistake', (t) => {
  t.like(
    t.throws(() => splitCommand(['app', '--'])),
    { code: 'USAGE' },
  )
})

test('a factor may be written with its x, and must be above zero', (t) => {
  t.is(parseFactor('--min-speedup', '1.5x'), 1.5)
  t.is(parseFactor('--min-speedup', '2'), 2)
  for (const text of ['0', '-1', 'fast', '1,5', '']) {
    t.throws(() => parseFactor('--min-speedup', text), { message: /^--min-speedup/ }, text)
  }
})

test('a user is a number that engines take, or a name, with or without a group', (t) => {
  for (const text of ['0', '12345', '2147483647', 'app', '1000:1000', 'app:www-data'])
    t.is(parseUser('--user', text), text)
  for (const text of ['', '2147483648', '99999999999', '-1', '1:', '1:2:3', 'a b']) {
    t.throws(() => parseUser('--user', text), { message: /^--user/ }, text)
  }
})
