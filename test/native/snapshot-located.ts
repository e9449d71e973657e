// SPDX-License-Identifier: Apache-2.0
// Imports that look through all that there is, for one thing: what is mapped, or the module of a file.
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { freezableToTry } from '../helpers/snapshot.js'
import { testInTurn } from '../helpers/test-in-turn.js'
import { WarmBench } from '../helpers/warm.js'

const ENV = { PYTHONHASHSEED: '0' }

const pythons = freezableToTry()
if (pythons.length === 0)
  test.skip('no CPython on this machine that can be frozen: nothing is looked for', () => undefined)

/** A module that reads what is mapped, and keeps V of it. */
const reading = (answer: string, ...before: string[]) =>
  [
    'def look():',
    ' with open("/proc/self/maps") as file:',
    '  text = file.read()',
    ...before.map((line) => ` ${line}`),
    ` return ${answer}`,
    'V = look()',
  ].join('\n')

const OF_MAPPED: Record<string, string> = {
  seeks: reading('"/library/libobserved.so" in text'),
  seeks_two: reading(
    'None',
    'if "/library/libobserved.so" not in text: return "none"',
    'return "/library/libother.so" in text',
  ),
  keeps_all: reading('text'),
  counts: reading('len(text) > 0'),
  seeks_closed: reading('(lambda: "/library/libobserved.so" in text)()'),
  seeks_word: reading('"libobserved" in text'),
  seeks_twice: reading('"/library/libobserved.so" in text and text.count("x") > 0'),
  sees_names: reading('"/library/libobserved.so" in text and bool(locals()["text"])'),
  finds_own: reading('"/libc" in text'),
  by_lines: 'V = any("/library/libobserved.so" in line for line in open("/proc/self/maps"))',
  is_global:
    'with open("/proc/self/maps") as file:\n text = file.read()\nV = "/library/libobserved.so" in text\ndel file, text',
}
const MAPS = [
  'import mmap',
  'file = open(LIBRARY, "r+b")',
  'memory = mmap.mmap(file.fileno(), 0)',
  'file.close()',
].join('\n')

for (const python of pythons) {
  testInTurn(
    `${python.version}: what looks for a library that is not mapped is ready where it is not`,
    async (t) => {
      const bench = new WarmBench(t, python)
      await bench.train()
      for (const [name, text] of Object.entries(OF_MAPPED))
        bench.file(`${bench.inSite}/${name}.py`, `${text}\n`)
      const names = Object.keys(OF_MAPPED)
      const { leftOut } = await bench.freezeWarm(['mmap', ...names], ENV)
      const held = ['seeks', 'seeks_two']
      t.deepEqual(
        leftOut.map(({ name, reason }) => [name, reason]),
        names.filter((name) => !held.includes(name)).map((name) => [name, 'OUTSIDE']),
      )
      const shown = async (before: string, ready: string[]) => {
        for (const name of held) {
          const script = bench.file('app/show.py', `${before}\nimport ${name}\nprint(${name}.V)\n`)
          const found = await bench.assertSame(t, `${name} ${before}`, [script], { env: ENV })
          t.is(found.ready.includes(name), ready.includes(name), `${name} ${before}`)
        }
      }
      await shown('', held)
      const directory = join(bench.directory, 'library')
      mkdirSync(directory)
      const mapping = (name: string) => {
        const library = join(directory, name)
        writeFileSync(library, 'text')
        return MAPS.replace('LIBRARY', JSON.stringify(library))
      }
      await shown(mapping('libnone.so'), held)
      await shown(mapping('libother.so'), ['seeks'])
      await shown(mapping('libobserved.so'), [])
    },
  )
}

const LOCATES = 'import inspect, sys\nV = inspect.getmodule(sys._getframe()).__name__\n'
/** By name of a module: what is found by the file of a frame, at which time of its import. */
const OF_FRAMES: Record<string, string> = {
  finds: LOCATES,
  'outer/__init__': 'import json\nfrom . import inner\nimport csv\n',
  'outer/inner': `import decimal\n${LOCATES}import finds\n`,
  finds_late: `${LOCATES}import outer.inner\nV += str(inspect.getmodule(sys._getframe()) is sys.modules[__name__])\n`,
  finds_other: `import json, outer\n${LOCATES}V = inspect.getmodule(json.loads.__code__).__name__\n`,
  by_class: 'import inspect, json\nV = inspect.getmodule(json.JSONDecoder).__name__\n',
  finds_none: 'import inspect\nV = str(inspect.getmodule(compile("", "/absent/file.py", "exec")))\n',
  counts_files: 'import inspect\nV = len(inspect.modulesbyfile)\n',
  'odd/__init__':
    'import sys, types\nclass Odd(types.ModuleType):\n __file__ = "odd.py"\nsys.modules["odd.one"] = Odd("odd.one")\n',
  finds_odd: `import odd\n${LOCATES}`,
  hands_on:
    'import sys, types\nclass One(types.ModuleType):\n def __getattr__(self, name): return getattr(self.of, name)\none = sys.modules["hands_on.one"] = One("hands_on.one")\none.of = sys.modules[__name__]\n',
  finds_handed: `import hands_on\n${LOCATES}`,
}
const SHOW = [
  'import sys, inspect, os',
  // The start without a snapshot has asked it for its settings.
  'print(*(name for name in sys.modules if name != "gc"), sep="\\n")',
  'print(*inspect.modulesbyfile.items(), sep="\\n")',
  'print(*inspect._filesbymodname.items(), sep="\\n")',
  'print([(name, getattr(module, "V", "")) for name, module in sys.modules.items() if name in NAMES])',
].join('\n')
const LAZY =
  'import sys, types\none = sys.modules["lazy_one"] = types.ModuleType("lazy_one")\ndef get(name):\n import colorsys\n raise AttributeError(name)\none.__getattr__ = get\n'
const LOCATED: [program: string, ready: string[]][] = [
  ['import finds', ['finds']],
  ['import outer', ['outer']],
  ['import finds_late', ['finds_late']],
  ['import csv, outer.inner', ['csv', 'outer.inner']],
  ['import finds, outer', ['finds', 'outer']],
  ['import outer\nimport finds_late', ['outer', 'finds_late']],
  ['import finds_other', ['finds_other']],
  ['import by_class', ['by_class']],
  ['import finds_odd', ['finds_odd']],
  ['import finds_handed', ['finds_handed']],
  ['import inspect, decimal\ninspect.getmodule(inspect.currentframe())\nimport finds_other', ['finds_other']],
  ['import inspect, json\ninspect.getmodule(json.loads.__code__)\nimport finds_other', ['finds_other']],
  // Somebody else has the file, or is asked for it.
  [
    'import sys, types\nsys.modules["one"] = one = types.ModuleType("one")\none.__file__ = FINDS\nimport finds',
    [],
  ],
  [
    'import sys, types\nsys.modules["one"] = one = types.ModuleType("one")\none.__file__ = OTHER\nimport finds',
    ['finds'],
  ],
  [
    'import sys, types\nsys.modules["one"] = one = types.ModuleType("one")\none.__file__ = None\ntry: import finds\nexcept TypeError as error: print(error)',
    [],
  ],
  [
    'import sys, types\nsys.modules["one"] = one = types.ModuleType("one")\none.__getattr__ = lambda name: print(name)\ntry: import finds\nexcept TypeError as error: print(error)',
    [],
  ],
  [
    'import sys\nsys.modules["one"] = type("One", (), {"__class__": property(lambda self: print("asked") or int)})()\nimport finds',
    [],
  ],
  ['import inspect\ninspect.modulesbyfile[FINDS] = "json"\nimport json, finds', []],
  ['import inspect\ninspect.modulesbyfile = {}\nimport finds', []],
]

for (const python of pythons) {
  testInTurn(
    `${python.version}: the module of a file is found again, and remembered with all that there are`,
    async (t) => {
      const bench = new WarmBench(t, python)
      await bench.train()
      for (const [name, text] of Object.entries(OF_FRAMES)) bench.file(`${bench.inSite}/${name}.py`, text)
      const names = Object.keys(OF_FRAMES).map((name) => name.replace('/__init__', '').replace('/', '.'))
      const others = ['json', 'csv', 'decimal']
      const { leftOut } = await bench.freezeWarm([...others, ...names], ENV)
      t.deepEqual(
        leftOut.map(({ name, reason }) => [name, reason]),
        [
          ['finds_none', 'MODULES'],
          ['counts_files', 'MODULES'],
        ],
      )
      const file = (name: string) => JSON.stringify(join(bench.site, `${name}.py`))
      for (const [program, expected] of LOCATED) {
        const text = `${program}\n${SHOW}\n`
          .replace('FINDS', file('finds'))
          .replace('OTHER', file('by_class'))
          .replace('NAMES', JSON.stringify(names))
        const script = bench.file('app/located.py', text)
        const { ready } = await assertAlike(t, bench, program, script)
        t.deepEqual(
          ready.filter((name) => [...names, 'csv'].includes(name)),
          expected,
          program,
        )
      }
      // A module that is asked for its file in the template, too.
      bench.file(`${bench.inSite}/lazy.py`, LAZY)
      const again = await bench.freezeWarm([...others, 'lazy', 'finds'], ENV)
      t.deepEqual(
        again.leftOut.map(({ name, reason }) => [name, reason]),
        [['finds', 'MODULES']],
      )
    },
  )
}

function assertAlike(t: ExecutionContext, bench: WarmBench, what: string, script: string) {
  return bench.assertSame(t, what, [script], { env: ENV })
}
