// SPDX-License-Identifier: Apache-2.0

import test from 'ava'
import { selectCaches } from '../../../../src/learn/select/caches.js'
import type { PythonGroup } from '../../../../src/learn/select/interpreter.js'
import type { CompiledRegex, CompiledSource } from '../../../../src/ports/index.js'

const regex = (pattern: string, more: Partial<CompiledRegex> = {}): CompiledRegex => ({
  isBytes: false,
  pattern: Buffer.from(pattern),
  asked: 0,
  flags: 32,
  groups: 0,
  words: Buffer.alloc(4),
  names: [],
  ...more,
})

const source = (text: string, more: Partial<CompiledSource> = {}): CompiledSource => ({
  mode: 'exec',
  optimize: 0,
  flags: 0,
  filename: Buffer.from('<string>'),
  text: Buffer.from(text),
  marshal: Buffer.from('c'),
  ...more,
})

const group = (...processes: { regexes: CompiledRegex[]; sources: CompiledSource[] }[]) =>
  ({ processes }) as unknown as PythonGroup

test('each question is kept once, over all processes, in the order of first use', (t) => {
  const selected = selectCaches(
    group(
      { regexes: [regex('b'), regex('a')], sources: [source('x')] },
      { regexes: [regex('a'), regex('c')], sources: [source('x'), source('y')] },
    ),
  )
  t.deepEqual(
    selected.regexes.map(({ pattern }) => pattern.toString()),
    ['b', 'a', 'c'],
  )
  t.deepEqual(
    selected.sources.map(({ text }) => text.toString()),
    ['x', 'y'],
  )
})

test('what differs in type, flags, mode or file name is another question', (t) => {
  const selected = selectCaches(
    group({
      regexes: [regex('a'), regex('a', { isBytes: true }), regex('a', { asked: 2 })],
      sources: [source('x'), source('x', { mode: 'eval' }), source('x', { filename: Buffer.from('f') })],
    }),
  )
  t.is(selected.regexes.length, 3)
  t.is(selected.sources.length, 3)
})
