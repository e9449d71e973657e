// SPDX-License-Identifier: Apache-2.0
// What the tests that start interpreters rely on. What is compared with an archive's answers must not be one: each
// guard of a reference is shown to fail. A tier that is chosen wrongly tests less than its reader believes.
import { chmodSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import test from 'ava'
import { findAllPythons, findPythons, type Python, selectPythons } from '../helpers/interpreters.js'
import { Bench } from '../helpers/python.js'
import { assertReference } from '../helpers/reference.js'
import { inRepository } from '../helpers/repository.js'
import { temporary } from '../helpers/temporary.js'
import { testInTurn } from '../helpers/test-in-turn.js'
import { parseTier, portion } from '../helpers/tier.js'

const fixture = (name: string) => readFileSync(inRepository(`test/fixtures/${name}`), 'utf8')
const [python] = findPythons()

test('a process that tells nothing, or that has used an archive, gives no reference', (t) => {
  const off = { status: 'INACTIVE', served: '0', missed: '0', sources: '0', takeover: '0', importlib: '1f' }
  t.notThrows(() => assertReference(off))
  t.throws(() => assertReference(undefined))
  t.throws(() => assertReference({ ...off, status: 'OK' }))
  t.throws(() => assertReference({ ...off, sources: '1' }))
  t.throws(() => assertReference({ ...off, served_by_get_code: '1' }), undefined, 'what is counted later')
})

if (!python) test.skip('no supported CPython on this machine: no reference is made', () => undefined)
else {
  testInTurn('a reference that is run with the archive is refused', async (t) => {
    const bench = new Bench(t, python.path)
    const script = bench.file('program/main.py', 'import json\nprint(json.dumps([1]))\n')
    await bench.train(script)
    t.is((await bench.runStock(script)).stdout, '[1]\n')
    await t.throwsAsync(bench.runStock(script, { PYCDS: 'require' }), { message: /from the archive/ })
    // A process that ends before it could say what it did.
    await t.throwsAsync(bench.runStock(script, {}, { text: 'import os; os._exit(0)' }))
  })

  testInTurn('a reference that the archive answers within a program is refused', async (t) => {
    const bench = new Bench(t, python.path)
    const script = bench.file(
      'program/main.py',
      `${fixture('reference.py')}
import ast
TEXT = "reference = [name for name in 'ab']"
def attempt(make):
    try:
        with Reference(): make()
        print("made")
    except AssertionError: print("refused")
attempt(lambda: compile(TEXT, "file", "exec"))
attempt(lambda: __import__("re").compile("a+(?P<name>b)"))
attempt(lambda: __import__("json"))
attempt(lambda: compile(ast.parse(TEXT), "file", "exec"))`,
    )
    await bench.train(script)
    t.is((await bench.runStock(script)).stdout, 'made\nmade\nmade\nmade\n')
    const { stdout } = await bench.runWithArchive(script, { PYCDS: 'require' })
    t.is(stdout, 'refused\nrefused\nrefused\nmade\n')
  })

  testInTurn('the code of the library is not recorded where an archive is in use', async (t) => {
    const bench = new Bench(t, python.path)
    await bench.train(bench.file('program/main.py', 'import json\n'))
    const script = bench.fixture('stdlib.py')
    const tracer = bench.file('tracer.py', 'def record(kind, **fields): pass\n')
    const text = `import sys; sys.argv = ["stdlib.py", "record", ${JSON.stringify(bench.directory)}, ${JSON.stringify(tracer)}]\n${fixture('stdlib.py')}`
    const { code, stderr } = await bench.runWithArchive(script, { PYCDS: 'require' }, { text })
    t.is(code, 1)
    t.regex(stderr, /a reference is made where no archive is in use/)
  })
}

const pretended = (version: string, more: Partial<Python> = {}): Python => ({
  path: `/opt/${version}/bin/python3`,
  version,
  architecture: process.arch,
  shared: true,
  named: false,
  ...more,
})

const AT_HAND = [
  pretended('3.11.2', { path: '/usr/bin/python3', shared: false }),
  pretended('3.10.13'),
  pretended('3.11.7'),
  pretended('3.12.1'),
  pretended('3.13.5', { shared: false }),
  pretended('3.13.0'),
  pretended('3.9.18'),
  pretended('3.9.2', { shared: false }),
  pretended('3.14.0', { shared: false }),
  pretended('3.15.0a1', { shared: false }),
]
const chosen = (tier: Parameters<typeof selectPythons>[1], pythons = AT_HAND) =>
  selectPythons(pythons, tier).map(({ version }) => version)

test('a tier that does not exist is refused, and none is the default', (t) => {
  t.is(parseTier('all'), 'all')
  t.is(parseTier(undefined), 'default')
  t.is(parseTier(''), 'default')
  t.throws(() => parseTier('ALL'))
})

test('by default the oldest and the newest interpreter are taken, and the two main ones as images have them', (t) => {
  t.deepEqual(chosen('default'), ['3.11.2', '3.13.0', '3.9.2', '3.15.0a1'])
})

test('quick takes one interpreter: that of the distribution, else the other main one, else the oldest', (t) => {
  t.deepEqual(chosen('quick'), ['3.11.2'])
  t.deepEqual(chosen('quick', [pretended('3.9.1'), pretended('3.13.1'), pretended('3.12.1')]), ['3.13.1'])
  t.deepEqual(chosen('quick', [pretended('3.10.1'), pretended('3.9.1'), pretended('3.12.1')]), ['3.9.1'])
  t.deepEqual(chosen('quick', []), [])
})

test('all takes every interpreter, and one that is named is taken in any tier', (t) => {
  t.is(chosen('all').length, AT_HAND.length)
  t.true(chosen('quick', [...AT_HAND, pretended('3.12.9', { named: true })]).includes('3.12.9'))
})

test.serial('an interpreter that is broken takes no part, and is an error where it was named', (t) => {
  // A program of this machine that is no interpreter.
  const broken = temporary(t, {
    'root/versions/3.13.9/bin/python3': readFileSync(process.execPath),
    script: '#!/bin/sh',
  })
  const program = join(broken, 'root/versions/3.13.9/bin/python3')
  chmodSync(program, 0o755)
  const { env } = process
  t.teardown(() => {
    process.env = env
  })
  process.env = { ...env, PYENV_ROOT: join(broken, 'root'), PYCDS_TEST_PYTHONS: '' }
  t.notThrows(() => findAllPythons())
  for (const path of [program, join(broken, 'script'), '/nonexistent/python3', broken]) {
    process.env = { ...env, PYCDS_TEST_PYTHONS: path }
    t.throws(() => findAllPythons(), { message: new RegExp(`^PYCDS_TEST_PYTHONS: ${path}`) }, path)
  }
})

test('a bulk proof is made in full by all, else a hundredth and at least a handful of it', (t) => {
  t.is(portion(250, 'all'), 250)
  t.is(portion(250, 'default'), 6)
  t.is(portion(2000, 'default'), 20)
  t.is(portion(3, 'default'), 3)
})

test('quick makes a handful of it', (t) => {
  t.is(portion(2000, 'quick'), 6)
  t.is(portion(3, 'quick'), 3)
})
