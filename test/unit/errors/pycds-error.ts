// SPDX-License-Identifier: Apache-2.0
import test from 'ava'
import { PycdsError, toPycdsError } from '../../../src/errors/index.js'

test('an error knows its exit code and keeps its cause', (t) => {
  const cause = new Error('below')
  const error = new PycdsError('NO_SPACE', { message: 'engine: disk full', hint: 'Free some.', cause })
  t.is(error.exitCode, 6)
  t.is(error.cause, cause)
  t.true(error instanceof Error)
})

test('an error without a cause has none, not an undefined one', (t) => {
  t.false('cause' in new PycdsError('USAGE', { message: 'm', hint: 'h' }))
})

test('an error of ours passes through unchanged', (t) => {
  const error = new PycdsError('USAGE', { message: 'm', hint: 'h' })
  t.is(toPycdsError(error), error)
})

test('anything else is INTERNAL, asks for a report and is kept as the cause', (t) => {
  for (const thrown of [new TypeError('x is not a function'), 'a string', undefined]) {
    const error = toPycdsError(thrown)
    t.is(error.code, 'INTERNAL')
    t.is(error.exitCode, 70)
    t.is(error.cause, thrown)
    t.regex(error.hint, /report/)
  }
})
