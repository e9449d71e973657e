// SPDX-License-Identifier: Apache-2.0
import test from 'ava'
import { parseRegex, parseSource } from '../../../../src/learn/runlog/compiled.js'

const fields = (...texts: string[]) => texts.map((text) => Buffer.from(text))

test('a regular expression has its pattern, flags, program and the names of its groups', (t) => {
  t.deepEqual(parseRegex(fields('0', '2', '(?P<a>.)', '34', '1', '\x01\0\0\0', '1\0a')), {
    isBytes: false,
    asked: 2,
    pattern: Buffer.from('(?P<a>.)'),
    flags: 34,
    groups: 1,
    words: Buffer.from('\x01\0\0\0'),
    names: [{ name: 'a', group: 1 }],
  })
  t.deepEqual(parseRegex(fields('1', '0', '.', '0', '0', '', ''))?.names, [])
})

test('a source string has its mode, flags, file name, text and code', (t) => {
  t.deepEqual(parseSource(fields('eval', '16777216', '0', '<string>', '1', 'c'), false), {
    mode: 'eval',
    flags: 16777216,
    optimize: 0,
    filename: Buffer.from('<string>'),
    text: Buffer.from('1'),
    marshal: Buffer.from('c'),
    isSample: false,
  })
})

test('records that are not whole, or of an unknown mode, are nothing', (t) => {
  t.is(parseRegex(fields('0', '2', 'x')), undefined)
  t.is(parseSource(fields('eval', '0', '0', 'f', 'x'), false), undefined)
  t.is(parseSource(fields('func_type', '0', '0', 'f', 'x', 'c'), false), undefined)
})
