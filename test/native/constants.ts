// SPDX-License-Identifier: Apache-2.0
// Constants that modules of an archive share, where these are imported in another order than in training.
import test from 'ava'
import { findPythons } from '../helpers/interpreters.js'
import { Bench } from '../helpers/python.js'
import { testInTurn } from '../helpers/test-in-turn.js'

const NAMES = 400
const names = (from: number, until: number) =>
  Array.from({ length: until - from }, (_, index) => `"pycds_name_${from + index}"`)

/** Of one and the same kind in two modules: tuples within tuples, what begins with another constant, and what is compared by its value. */
const VALUES = [
  '((1, "pycds_name_1"), (b"pycds bytes", 2.5, (3j, "pycds_name_2", ("a longer text, not a name", 1 << 90))))',
  '(..., None, -7, "é", "ж", "\\U0001f600")',
]

const FIRST = `def names(): return [${names(0, NAMES).join(', ')}]
VALUES = [${VALUES.join(', ')}]
def within(key): return key in {"pycds_name_3", "pycds_name_4", 5}
`
const SECOND = `def names(): return [${names(0, 3).join(', ')}]
VALUES = [${VALUES[0]}]
`
const THIRD = `${FIRST}def more(): return [${names(NAMES, NAMES + 9).join(', ')}]
`

/** Imports in the order that it is told. Of a name it is known whether somebody has it by now: who interns it first gets it back. */
const PROGRAM = `import os, sys
def is_there(number):
    text = "".join(["pycds_name_", str(number)])
    return sys.intern(text) is not text
told = []
for name in os.environ.get("ORDER", "first second third").split():
    module = __import__(name)
    told.append((name, module.names(), module.VALUES, getattr(module, "within", len)("".join(["pycds_name_", "4"]))))
    if name == "second" and len(told) == 1 and "REST" in os.environ:
        print([number for number in range(${NAMES}) if is_there(number)])
print(told)
modules = [sys.modules[name] for name in ("first", "second", "third") if name in sys.modules]
print({(module.VALUES[0] is modules[0].VALUES[0], module.VALUES[0][1][2] is modules[0].VALUES[0][1][2]) for module in modules})
`

const pythons = findPythons()
if (pythons.length === 0)
  test.skip('no supported CPython on this machine: no constants are made', () => undefined)

for (const { path, version } of pythons) {
  testInTurn(
    `${version}: a module brings in of another one's constants those that it has, and all orders give the same`,
    async (t) => {
      const bench = new Bench(t, path)
      const script = bench.file('program/main.py', PROGRAM)
      bench.file('program/first.py', FIRST)
      bench.file('program/second.py', SECOND)
      bench.file('program/third.py', THIRD)
      await bench.train(script)
      const orders = ['first second third', 'second first third', 'second third first', 'third second first']
      for (const order of [...orders, 'second']) {
        const env = { ORDER: order }
        const plain = await bench.runStock(script, env)
        const served = await bench.runWithArchive(script, { ...env, PYCDS: 'require' })
        t.is(served.stderr, plain.stderr, order)
        const [told, same] = served.stdout.trim().split('\n')
        t.is(told, plain.stdout.trim().split('\n')[0], order)
        t.is(same, '{(True, True)}', order)
      }
      const rest = await bench.runWithArchive(script, {
        ORDER: 'second third first',
        REST: '1',
        PYCDS: 'require',
      })
      t.is(rest.stderr, '')
      t.is(rest.stdout.split('\n')[0], '[0, 1, 2]')
    },
  )
}
