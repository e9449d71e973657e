// SPDX-License-Identifier: Apache-2.0
import test from 'ava'
import { regexOf, sourceOf } from '../../../../src/learn/runlog/compiled.js'
import { SAMPLES } from '../../../helpers/run-log.js'

test('a regular expression has its pattern, flags, program and the names of its groups', (t) => {
  t.deepEqual(regexOf(SAMPLES.regex), {
    isBytes: false,
    asked: 2,
    pattern: Buffer.from('(?P<a>.)'),
    flags: 34,
    groups: 1,
    words: Buffer.from('\x01\0\0\0'),
    names: [{ name: 'a', group: 1 }],
  })
  t.deepEqual(regexOf({ ...SAMPLES.regex, names: [] }).names, [])
})

test('a source string has its mode, flags, file name, text and code', (t) => {
  t.deepEqual(sourceOf(SAMPLES.source), { ...SAMPLES.source, mode: 'eval' })
})

test('a source string of an unknown mode is nothing', (t) => {
  t.is(sourceOf({ ...SAMPLES.source, mode: 'func_type' }), undefined)
})
