// SPDX-License-Identifier: Apache-2.0
// Both ends of what passes between this program and traced interpreters: TypeScript reads what tracer.py writes, and
// compile.py reads what TypeScript writes.
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { compileRun } from '../../src/learn/run/index.js'
import { decodeRecords } from '../../src/learn/runlog/codec.js'
import { RUN_LOG } from '../../src/learn/runlog/records.js'
import { findPythons } from '../helpers/interpreters.js'
import { Bench, readRunLogs } from '../helpers/python.js'
import { inRepository } from '../helpers/repository.js'
import { SAMPLES } from '../helpers/run-log.js'
import { testInTurn } from '../helpers/test-in-turn.js'

/** As native/trace/tracer.c has it. */
const TRACER = ['native/snapshot/warm/kinds.py', 'native/trace/tracer.py']
  .map((path) => readFileSync(inRepository(path), 'utf8'))
  .join('')
const COMPILE = readFileSync(inRepository('native/trace/compile.py'))

const pythons = findPythons()
if (pythons.length === 0)
  test.skip('no supported CPython on this machine: records are not written', () => undefined)

function each(title: string, run: (t: ExecutionContext, python: string) => Promise<void>): void {
  for (const { path, version } of pythons) testInTurn(`${version}: ${title}`, (t) => run(t, path))
}

/** As the fixture reads them. */
function toJson(samples: typeof SAMPLES): string {
  const fields = Object.entries(samples).map(([kind, sample]) => {
    const plain = Object.entries(sample).map(([name, value]) => [
      name,
      Buffer.isBuffer(value) ? { hex: value.toString('hex') } : value,
    ])
    return [kind, Object.fromEntries(plain)]
  })
  return JSON.stringify(Object.fromEntries(fields))
}

each('a record of each kind is read as the tracer was given it', async (t, python) => {
  const bench = new Bench(t, python)
  const directory = join(bench.directory, 'logs')
  mkdirSync(directory)
  const words = [directory, bench.file('tracer.py', TRACER), bench.file('samples.json', toJson(SAMPLES))]
  const { code, stderr } = await bench.run([bench.fixture('records.py'), 'write', ...words])
  t.is(code, 0, stderr)
  const [name = ''] = readdirSync(directory)
  t.regex(name, /^\d+-[0-9a-f]{12}\.runlog$/)
  const records = [...decodeRecords(RUN_LOG, name, readFileSync(join(directory, name)))]
  // Its own process, and what was imported before it.
  const own = records.splice(0, 2)
  t.deepEqual(
    own.map(({ kind }) => kind),
    ['process', 'earlier'],
  )
  t.deepEqual(records, Object.entries(SAMPLES).map(([kind, fields]) => ({ kind, fields })) as typeof records)
})

each('the tracer gives each record the fields of the table', async (t, python) => {
  const bench = new Bench(t, python)
  const { code, stderr } = await bench.run([
    bench.fixture('records.py'),
    'calls',
    bench.file('tracer.py', TRACER),
  ])
  t.is(code, 0, stderr)
})

/** Writes the files of a run that compiles, runs it under the tracer, and reads what it recorded. */
async function compileListed(t: ExecutionContext, python: string, change = (list: Buffer) => list) {
  const bench = new Bench(t, python)
  const there = bench.file('app/there.py', 'import re\n')
  const replaced = bench.file('app/né/__init__.py', 'changed = 1\n')
  const place = { directory: bench.directory, tracer: '', probe: '' }
  const spec = { image: '', preload: undefined, tracer: Buffer.alloc(0), probe: Buffer.alloc(0), place }
  const location = { entry: join(bench.directory, 'app'), isPackage: false }
  const { files = {}, command = [] } = compileRun(
    spec,
    COMPILE,
    { executable: python, optimize: 0 },
    {
      modules: [
        { ...location, name: 'there', origin: there },
        {
          ...location,
          name: 'né',
          origin: replaced,
          isPackage: true,
          source: Buffer.from('given = 1\n'),
        },
        { ...location, name: 'gone', origin: '/nowhere/gone.py' },
      ],
      regexes: [
        { bytes: false, flags: 2, pattern: '(?P<ä>b+)' },
        { bytes: true, flags: 0, pattern: '\xe4+' },
      ],
      sources: [{ mode: 'eval', flags: 0, filename: 'sömewhere', text: '"ä" + "b"' }],
    },
  )
  for (const [name, bytes] of Object.entries(files)) {
    writeFileSync(join(bench.directory, name), name === 'list' ? change(bytes) : bytes)
  }
  const logs = join(bench.directory, 'logs')
  const outcome = await bench.runTraced(command.slice(1), logs)
  const [traced] = readRunLogs(logs)
  return { ...outcome, traced, there, replaced, location }
}

each('what a compile list names is compiled', async (t, python) => {
  const { code, stderr, traced, there, replaced, location } = await compileListed(t, python)
  t.is(code, 0, stderr)
  t.like(
    traced?.modules.find(({ name }) => name === 'there'),
    { ...location, origin: there, size: 10 },
  )
  const given = traced?.modules.find(({ name }) => name === 'né')
  t.like(given, { ...location, origin: replaced, isPackage: true })
  t.true(given?.marshal.includes('given'))
  t.deepEqual(
    traced?.leftOut.map(({ name }) => name),
    ['gone'],
  )
  const regex = (pattern: Buffer) => traced?.regexes.find((one) => one.pattern.equals(pattern))
  t.like(regex(Buffer.from('(?P<ä>b+)')), { isBytes: false, asked: 2, names: [{ name: 'ä', group: 1 }] })
  t.like(regex(Buffer.from([0xe4, 0x2b])), { isBytes: true, asked: 0, names: [] })
  t.like(
    traced?.sources.find(({ filename }) => filename.toString() === 'sömewhere'),
    { mode: 'eval', text: Buffer.from('"ä" + "b"') },
  )
})

each('a compile list of another version is refused', async (t, python) => {
  const { code, stderr } = await compileListed(t, python, (list) => {
    return Buffer.concat([Buffer.from('version 2\n10'), list.subarray(list.indexOf('compile_'))])
  })
  t.is(code, 1)
  t.regex(stderr, /the list is not in the format of this program; it begins with b'version 2\\n10/)
})

/** A module whose attributes say what a program has changed before, and others that may be anything in each process. */
const HOLDS = `import os, sys
from changed import *
number, truth, nothing, text, much = 7, True, None, "made of 12", 1 << 40
order = " ".join({"set", "of", "texts"})
class Own: pass
one = Own()
named = type("Class%d" % id(one), (), {})
def function(): pass
`

each('a run log says what modules held when their bodies had run', async (t, python) => {
  const heldBy = async (changed: string, env: Record<string, string>) => {
    const bench = new Bench(t, python)
    bench.file('app/holds.py', HOLDS)
    bench.file('app/changed.py', changed)
    bench.file('app/fails.py', 'import holds; before = 1; raise ValueError')
    const main = bench.file(
      'app/main.py',
      'try: import fails\nexcept ValueError: import holds; holds.later = 1\n',
    )
    const logs = join(bench.directory, 'logs')
    const { code, stderr } = await bench.runTraced([main], logs, env)
    t.is(code, 0, stderr)
    const [traced] = readRunLogs(logs)
    const held = new Map(traced?.held.map(({ name, kinds }) => [name, kinds]))
    t.false(held.has('fails'))
    return held.get('holds') ?? []
  }
  const plain = await heldBy('def taken(): pass\nvalue = 1\n', { PYTHONHASHSEED: '5' })
  t.deepEqual(
    plain.map((line) => line.split(' ', 1)[0]),
    [
      ...['os', 'sys', 'taken', 'value', 'number', 'truth', 'nothing', 'text', 'much', 'order'],
      ...['Own', 'one', 'named', 'function'],
    ],
  )
  t.true(plain.includes('number builtins.int 7'))
  t.true(plain.includes('taken function changed.taken'))
  t.true(plain.includes('sys'))
  t.deepEqual(await heldBy('def taken(): pass\nvalue = 1\n', { PYTHONHASHSEED: '6' }), plain)
  const differing = async (changed: string) => {
    const there = new Set(await heldBy(changed, { PYTHONHASHSEED: '5' }))
    return plain.filter((line) => !there.has(line)).map((line) => line.split(' ', 1)[0])
  }
  t.deepEqual(await differing('taken = lambda: 0\nvalue = 1\n'), ['taken'])
  t.deepEqual(await differing('def taken(): pass\nvalue = 2\n'), ['value'])
  t.deepEqual(await differing('def taken(): pass\nvalue = None\n'), ['value'])
  t.deepEqual(await differing('class taken: pass\nvalue = 1\n'), ['taken'])
})
