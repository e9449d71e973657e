// SPDX-License-Identifier: Apache-2.0
// A module is served only where importlib would find it: in the same directory, and nothing in that comes before it.
import { mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import test from 'ava'
import { findPythons } from '../helpers/interpreters.js'
import { Bench } from '../helpers/python.js'
import { testInTurn } from '../helpers/test-in-turn.js'

const TAKEN = { PYTHONDONTWRITEBYTECODE: '1' }
const FINDER = { ...TAKEN, PYCDS_TAKEOVER: 'off' }

const LOADS = `import json, sys
for name in sys.argv[1:] or ("plain", "tree", "tree.inner", "beside"):
    try:
        __import__(name)
        module = sys.modules[name]
        print(name, module.VALUE, module.__file__, hasattr(module, "__path__"))
    except ImportError as error:
        print(name, type(error))
`

/** Where the process is when it imports, and where it was before, for entries that are not absolute. */
const MOVES = `import json, os, sys
sys.path.insert(0, os.environ["ENTRY"])
os.chdir(os.environ["FIRST"])
import one
os.chdir(os.environ["THEN"])
try:
    import two
    print(one.VALUE, one.__file__, two.VALUE, two.__file__)
except ImportError as error:
    print(one.VALUE, type(error))
`

const pythons = findPythons()
if (pythons.length === 0) test('no interpreter was found', (t) => void t.fail())

for (const { path, version } of pythons) {
  testInTurn(`${version}: what comes before a source in its own directory wins`, async (t) => {
    const bench = new Bench(t, path)
    const script = bench.file('program/main.py', LOADS)
    for (const name of ['plain.py', 'tree/__init__.py', 'tree/inner.py', 'beside.py'])
      bench.file(`program/${name}`, `VALUE = ${JSON.stringify(name)}\n`)
    await bench.train(script, 'stat', { env: TAKEN })
    const suffixes = await bench.run([
      '-c',
      'import importlib.machinery as m; print(*m.EXTENSION_SUFFIXES, sep="\\n")',
    ])
    const [first = ''] = suffixes.stdout.split('\n')
    mkdirSync(join(bench.directory, 'program/beside'))
    // A file that is no library is found all the same, and cannot be loaded.
    const rivals = [
      ['plain/__init__.py', 'tree/inner/__init__.py'],
      [`plain${first}`, `tree/__init__${first}`],
      ['plain.so', 'tree/inner.so'],
    ]
    for (const files of rivals) {
      for (const name of files) bench.file(`program/${name}`, 'VALUE = "rival"\n')
      const plain = await bench.runStock(script, TAKEN)
      t.is(plain.code, 0, plain.stderr)
      t.true(/rival|<class 'ImportError'>/.test(plain.stdout), plain.stdout)
      for (const env of [TAKEN, FINDER]) {
        const served = await bench.runWithArchive(script, { ...env, PYCDS_LOG: '1' })
        t.is(served.stdout, plain.stdout, files.join())
        t.regex(served.stderr, /served beside\b/, 'a directory that is no package')
      }
      for (const name of files) {
        rmSync(join(bench.directory, 'program', name))
        const directory = /^(.*)\/__init__\.py$/.exec(name)?.[1]
        if (directory !== undefined) rmSync(join(bench.directory, 'program', directory), { recursive: true })
      }
    }
    const served = await bench.runWithArchive(script, { ...TAKEN, PYCDS_LOG: '1' })
    for (const name of ['plain', 'tree', 'tree.inner'])
      t.regex(served.stderr, new RegExp(`served ${name}\\b`))
  })

  testInTurn(`${version}: a relative entry of the search path is what it is now`, async (t) => {
    const bench = new Bench(t, path)
    const script = bench.file('program/main.py', MOVES)
    const directories = ['first', 'second', 'third'].map((name) => join(bench.directory, name))
    const [first = '', second = '', third = ''] = directories
    for (const directory of ['first', 'first/lib', 'second', 'second/lib'])
      for (const name of ['one', 'two']) bench.file(`${directory}/${name}.py`, `VALUE = "${directory}"\n`)
    bench.file('third/lib/one.py', 'VALUE = "third"\n')
    bench.file('third/one.py', 'VALUE = "third"\n')
    for (const entry of ['', '.', 'lib']) {
      const env = { ...TAKEN, ENTRY: entry }
      await bench.train(script, 'stat', { env: { ...env, FIRST: first, THEN: first } })
      for (const [from, then] of [
        [first, first],
        [second, second],
        [first, second],
        [third, third],
        [third, first],
      ] as const) {
        const places = { FIRST: from, THEN: then }
        const plain = await bench.runStock(script, { ...env, ...places })
        t.is(plain.code, 0, plain.stderr)
        for (const mode of [TAKEN, FINDER]) {
          const served = await bench.runWithArchive(script, { ...env, ...mode, ...places, PYCDS_LOG: '1' })
          t.is(served.stdout, plain.stdout, JSON.stringify({ entry, places }))
          // What importlib names by a relative path is not archived.
          const isNamed = entry === '' || !version.startsWith('3.9.')
          if (isNamed && from === first && then === first) t.regex(served.stderr, /served two\b/, entry)
        }
      }
    }
  })
}
