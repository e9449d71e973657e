// SPDX-License-Identifier: Apache-2.0
import test from 'ava'
import {
  isDebugging,
  PycdsError,
  renderError,
  toErrorDocument,
  toPycdsError,
} from '../../../src/errors/index.js'

const make = (cause?: unknown) =>
  new PycdsError('IMAGE_NOT_FOUND', { message: 'image app:1: not found', hint: 'Pull it.', cause })

test('a failure is what and next', (t) => {
  t.is(renderError(make(), { debug: false }), 'Error: image app:1: not found\n  next  Pull it.\n')
})

test('who goes on without what failed says so instead of calling it an error', (t) => {
  const text = renderError(make(), { debug: false, heading: 'Warning: not baked' })
  t.is(text, 'Warning: not baked: image app:1: not found\n  next  Pull it.\n')
})

test('a cause that says more is shown between them, on one line', (t) => {
  const text = renderError(make(new Error('HTTP 404\n  <html>a page')), { debug: false })
  t.is(text, 'Error: image app:1: not found\n  why   HTTP 404\n  next  Pull it.\n')
})

test('a cause that only repeats the message, or says nothing, is left out', (t) => {
  t.false(renderError(make(new Error('not found')), { debug: false }).includes('why'))
  t.false(renderError(make(new Error('app (0123): not found')), { debug: false }).includes('why'))
  t.false(renderError(make(new Error('')), { debug: false }).includes('why'))
})

test('an endless cause is cut', (t) => {
  const text = renderError(make('x'.repeat(100_000)), { debug: false })
  t.true(text.length < 500)
})

test('a stack is shown only when debugging', (t) => {
  const error = toPycdsError(new TypeError('boom'))
  t.notRegex(renderError(error, { debug: false }), /\n\s+at /)
  t.regex(renderError(error, { debug: true }), /TypeError: boom\n\s+at /)
})

test('the document holds the code, texts and exit code, and nothing else', (t) => {
  t.deepEqual(toErrorDocument(make(new Error('secret'))), {
    error: { code: 'IMAGE_NOT_FOUND', message: 'image app:1: not found', hint: 'Pull it.', exitCode: 7 },
  })
})

test('DEBUG is ours when it names us, alone or in a list', (t) => {
  for (const value of ['pycds*', 'pycds:*', 'express,pycds:bake', '*'])
    t.true(isDebugging({ DEBUG: value }), value)
  for (const value of ['', 'express:*', 'not-pycds']) t.false(isDebugging({ DEBUG: value }), value)
  t.false(isDebugging({}))
})

test('an error may have a page of its own in the place of that of its code', (t) => {
  const error = new PycdsError('TRACE_INVALID', { message: 'x', hint: 'y', page: 'docs/learning.md' })
  t.regex(renderError(error, { debug: false }), /\n {2}see .*docs\/learning\.md\n$/)
})
