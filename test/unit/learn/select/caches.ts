// SPDX-License-Identifier: Apache-2.0

import test from 'ava'
import { hookFiles } from '../../../../src/layer/hook.js'
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
  isSample: false,
  ...more,
})

const group = (...processes: { regexes: CompiledRegex[]; sources: CompiledSource[] }[]) =>
  ({ python: { optimize: 0 }, processes }) as unknown as PythonGroup

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

test('code of another optimisation level than the archive is left out', (t) => {
  t.deepEqual(selectCaches(group({ regexes: [], sources: [source('x', { optimize: 2 })] })).sources, [])
})

test('texts that no other process will compile are left out', (t) => {
  const texts = [
    'def __hash__(self): return hash((4158734145597898126, self.name))',
    'at 0x7f781060d9e0',
    'name_9f1c1a2e3b4c4d5e8f60718293a4b5c6',
    'x = 0x7fffffff + 1234567890',
  ]
  const uuid = source('x', { filename: Buffer.from('<attrs 9f1c1a2e-3b4c-4d5e-8f60-718293a4b5c6>') })
  const { sources } = selectCaches(
    group({ regexes: [], sources: [...texts.map((text) => source(text)), uuid] }),
  )
  t.deepEqual(
    sources.map(({ text }) => text.toString()),
    ['x = 0x7fffffff + 1234567890'],
  )
})

test('the hook of an earlier bake is not what the application compiled', (t) => {
  const [, hook] = hookFiles(['/site'], Buffer.alloc(0), 'variable')
  t.truthy(hook)
  const text = hook?.body.toString() ?? ''
  const selected = selectCaches(
    group({ regexes: [], sources: [source(text), source(text.trim()), source('x')] }),
  )
  t.deepEqual(
    selected.sources.map((one) => one.text.toString()),
    ['x'],
  )
})

test('a sample in the place of such a number is kept, unless there is more of the kind', (t) => {
  const isSample = true
  const sources = [
    source('hash((1000000000000000007, self.name))', { isSample }),
    source('hash((1000000000000000007, self.name), 0x7f781060d9e0)', { isSample }),
  ]
  t.deepEqual(selectCaches(group({ regexes: [], sources })).sources, sources.slice(0, 1))
})
