// SPDX-License-Identifier: Apache-2.0

import test from 'ava'
import { formatTrace, type Trace, type TraceModule } from '../../../../src/learn/trace/trace-file.js'
import { parseTraceFile } from '../../../../src/learn/trace/trace-reader.js'
import { diffTraces, mergeTraces } from '../../../../src/learn/trace/traces.js'

const module = (name: string, more: Partial<TraceModule> = {}): TraceModule => ({
  name,
  origin: `/srv/${name}.py`,
  entry: '/srv',
  package: false,
  sourceHash: '0123456789abcdef',
  ...more,
})

const trace = (modules: TraceModule[], more: Partial<Trace> = {}): Trace => ({
  schema: 'io.pycds.trace/1',
  images: [{ id: 'sha256:a', platform: 'linux/amd64' }],
  python: { version: '3.11.2', cacheTag: 'cpython-311', executable: '/usr/bin/python3', optimize: 0 },
  siteDirectories: ['/usr/lib/python3/dist-packages'],
  modules,
  regexes: [{ bytes: true, flags: 0, pattern: '\u00ff\0' }],
  sources: [{ mode: 'eval', flags: 0, filename: '<string>', text: '1 + 1\n' }],
  files: ['/usr/lib/python3.11/lib-dynload/_json.so'],
  leftOut: [{ name: 'encodings', reason: 'it is imported before the hook can run' }],
  ...more,
})

test('what is written is read again, and written the same', (t) => {
  const original = trace([module('b'), module('a.b', { package: true, entry: '' })])
  const text = formatTrace(original)
  t.deepEqual(parseTraceFile('t', text), original)
  t.is(formatTrace(parseTraceFile('t', text)), text)
  t.is(text.split('\n').filter((line) => line.includes('/srv/')).length, 2)
})

test('the interpreter of a plugin is carried along', (t) => {
  const { python } = trace([])
  const original = trace([], { python: { ...python, library: '/usr/lib/libpython3.11.so.1.0' } })
  t.deepEqual(parseTraceFile('t', formatTrace(original)), original)
})

test('what the schema does not know is not carried along', (t) => {
  const text = JSON.stringify({ ...trace([module('a')]), environment: { SECRET: 'hunter2' } })
  t.notRegex(formatTrace(parseTraceFile('t', text)), /hunter2/)
})

test('an empty trace, and one of before there were patterns, can be read', (t) => {
  const { regexes: _, sources: __, ...old } = trace([])
  t.deepEqual(parseTraceFile('t', JSON.stringify(old)).regexes, [])
})

const refuses = test.macro((t, change: object | string, reason: RegExp) => {
  const text = typeof change === 'string' ? change : JSON.stringify({ ...trace([module('a')]), ...change })
  const error = t.throws(() => parseTraceFile('file.json', text))
  t.is((error as unknown as { code: string }).code, 'TRACE_INVALID')
  t.regex(error?.message ?? '', reason)
})
test('no JSON', refuses, '{', /trace file\.json: it is not JSON/)
test('no object', refuses, '[]', /it is not an object/)
test('another schema', refuses, { schema: 'io.pycds.trace/2' }, /its schema is "io\.pycds\.trace\/2"/)
test('no list of modules', refuses, { modules: {} }, /modules: not a list/)
test('a module without a name', refuses, { modules: [module('')] }, /modules\[0\]\.name/)
test(
  'a path that climbs',
  refuses,
  { modules: [module('a', { origin: '/srv/../etc/a' })] },
  /origin: not an absolute/,
)
test(
  'a relative path',
  refuses,
  { modules: [module('a', { origin: 'a.py' })] },
  /origin: not an absolute path/,
)
test('a hash that is none', refuses, { modules: [module('a', { sourceHash: 'x' })] }, /sourceHash/)
test('a module twice', refuses, { modules: [module('a'), module('a')] }, /a is there twice/)
test('an optimisation that is none', refuses, { python: { ...trace([]).python, optimize: 3 } }, /optimize/)
test('a path with a NUL', refuses, { siteDirectories: ['/a\0b'] }, /siteDirectories\[0\]/)
test(
  'flags that are none',
  refuses,
  { regexes: [{ bytes: false, flags: -1, pattern: '' }] },
  /regexes\[0\]\.flags/,
)

test('merging keeps the order of the first trace that names a module, and its version of it', (t) => {
  const a = trace([module('b'), module('a')])
  const b = trace([module('a', { sourceHash: 'f'.repeat(16) }), module('encodings'), module('c')], {
    images: [{ id: 'sha256:b', platform: 'linux/arm64' }],
  })
  const merged = mergeTraces([
    { name: 'a', trace: a },
    { name: 'b', trace: b },
  ])
  t.deepEqual(
    merged.modules.map(({ name }) => name),
    ['b', 'a', 'encodings', 'c'],
  )
  t.is(merged.modules[1]?.sourceHash, '0123456789abcdef')
  t.is(merged.images.length, 2)
  t.is(merged.regexes.length, 1)
  t.deepEqual(merged.leftOut, [])
})

test('traces of different Pythons are not merged', (t) => {
  const python = { ...trace([]).python, cacheTag: 'cpython-313' }
  const both = [
    { name: 'a', trace: trace([]) },
    { name: 'b', trace: trace([], { python }) },
  ]
  t.throws(() => mergeTraces(both), { message: /trace b: it is of cpython-313, and a of cpython-311/ })
})

test('a difference is a name, a place or a source', (t) => {
  const from = trace([module('same'), module('gone'), module('edited'), module('moved')])
  const to = trace([
    module('moved', { origin: '/opt/moved.py', entry: '/opt' }),
    module('same'),
    module('edited', { sourceHash: 'f'.repeat(16) }),
    module('new'),
  ])
  t.deepEqual(diffTraces(from, to), {
    schema: 'io.pycds.trace-diff/1',
    removed: ['gone'],
    added: ['new'],
    changed: [
      { name: 'edited', what: ['source'] },
      { name: 'moved', what: ['origin', 'entry'] },
    ],
    same: 1,
  })
})
