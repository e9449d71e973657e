// SPDX-License-Identifier: Apache-2.0
// A snapshot may hold modules that its program has not imported yet. When it does, nothing but the clock tells that they
// were there: the same program is run with and without.
import { spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { chmodSync, readFileSync, rmSync, utimesSync } from 'node:fs'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { blame } from '../../src/artifact/snapshot/blame.js'
import { compile } from '../helpers/compile.js'
import type { Python } from '../helpers/interpreters.js'
import { inRepository } from '../helpers/repository.js'
import { missing, notRoot, unless } from '../helpers/skipped.js'
import { freezableToTry, type StartOptions } from '../helpers/snapshot.js'
import { placesOf, regionsOf } from '../helpers/snapshot-file.js'
import { testInTurn } from '../helpers/test-in-turn.js'
import { TIER } from '../helpers/tier.js'
import { WarmBench, type WarmProgram } from '../helpers/warm.js'

const PROGRAM = readFileSync(inRepository('test/fixtures/snapshot/warm.py'), 'utf8')
const OFTEN = ['json', 'logging', 'asyncio', 'dataclasses', 'sqlite3', 'ssl', 'random', 'tempfile', 'inspect']
const LIBRARY = [
  ...['json', 'logging', 'asyncio', 'email', 'email.mime.text', 'http.client', 'http.server', 'decimal'],
  ...['dataclasses', 'typing', 'unittest', 'unittest.mock', 'xml.etree.ElementTree', 'xml.dom.minidom'],
  ...['sqlite3', 'ssl', 'ctypes', 'multiprocessing', 'concurrent.futures', 'concurrent.futures.thread'],
  ...['urllib.request', 'subprocess', 'argparse', 'csv', 'datetime', 'uuid', 'random', 'tempfile', 'zipfile'],
  ...['inspect', 'platform', 'fractions', 'statistics', 'difflib', 'pprint', 'secrets', 'html.parser'],
]

/** The order of sets is otherwise another one in each start. */
const ENV = { PYTHONHASHSEED: '0' }

const pythons = freezableToTry()
if (pythons.length === 0)
  test.skip('no CPython on this machine that can be frozen: no module is imported in advance', () =>
    undefined)

function each(title: string, run: (t: ExecutionContext, python: Python) => Promise<void>): void {
  for (const python of pythons) testInTurn(`${python.version}: ${title}`, (t) => run(t, python))
}

async function warmed(t: ExecutionContext, python: Python, names: readonly string[]) {
  const bench = new WarmBench(t, python)
  await bench.train()
  const warm = await bench.freezeWarm(names, ENV)
  return { bench, ...warm }
}

each('each module of the standard library looks as if it had been imported just now', async (t, python) => {
  const library = TIER === 'all' ? LIBRARY : OFTEN
  const { bench, leftOut } = await warmed(t, python, library)
  t.deepEqual(leftOut, [])
  const program = bench.file('warm.py', PROGRAM)
  const alone = TIER === 'all' ? library : ['asyncio', 'sqlite3']
  const sets = [...alone.map((name) => [name]), library, [...library].reverse()]
  for (const names of sets) {
    const args = [program, ...names]
    const { ready } = await bench.assertSame(t, names.join(), args, { env: ENV })
    t.is(ready[0], names[0])
  }
})

/** What setuptools writes for a namespace package, and virtualenv for a finder of its own. */
const NAMESPACE_PTH = (names: readonly string[]) => {
  const name = names.join('.')
  const path = names.map((one) => `'${one}'`).join(', ') + (names.length === 1 ? ',' : '')
  return [
    'import sys, types, os',
    'has_mfs = sys.version_info > (3, 5)',
    `p = os.path.join(sys._getframe(1).f_locals['sitedir'], *(${path}))`,
    `importlib = has_mfs and __import__('importlib.util')`,
    `has_mfs and __import__('importlib.machinery')`,
    `m = has_mfs and sys.modules.setdefault('${name}', importlib.util.module_from_spec(importlib.machinery.PathFinder.find_spec('${name}', [os.path.dirname(p)])))`,
    `m = m or sys.modules.setdefault('${name}', types.ModuleType('${name}'))`,
    `mp = (m or []) and m.__dict__.setdefault('__path__',[])`,
    `(p not in mp) and mp.append(p)`,
    ...(names.length === 1 ? [] : [`m and setattr(sys.modules['${names[0]}'], '${names.at(-1)}', m)`]),
  ].join(';')
}
const VIRTUALENV = `import sys
class _Finder:
    def find_spec(self, fullname, path, target=None):
        if fullname in ("distutils.dist", "setuptools.dist"): print("asked for", fullname)
sys.meta_path.insert(0, _Finder())
`

each('what setuptools and virtualenv do at each start is in the snapshot', async (t, python) => {
  const bench = new WarmBench(t, python)
  const site = (name: string, text: string) => bench.file(`${bench.inSite}/${name}`, text)
  site('outer-1.0-nspkg.pth', `${NAMESPACE_PTH(['outer'])}\n`)
  site('outer.inner-1.0-nspkg.pth', `${NAMESPACE_PTH(['outer', 'inner'])}\n`)
  site('outer/inner/leaf.py', 'import json\nVALUE = "leaf"\n')
  site('_virtualenv.pth', 'import _virtualenv')
  site('_virtualenv.py', VIRTUALENV)
  site('setuptools/__init__.py', '')
  site('setuptools/dist.py', 'VALUE = "dist"\n')
  await bench.train()
  const names = ['json', 'outer.inner.leaf', 'setuptools']
  t.deepEqual((await bench.freezeWarm(names, ENV)).leftOut, [])
  const program = bench.file('warm.py', PROGRAM)
  const { ready } = await bench.assertSame(t, 'namespace', [program, ...names, 'setuptools.dist'], {
    env: ENV,
  })
  for (const name of names) t.true(ready.includes(name), name)
  t.false(ready.includes('setuptools.dist'))
  // They have come with the snapshot, and count as little before the hook as without it.
  const tooEarly = async (PYCDS_SNAPSHOT: string) => {
    const { stderr } = await bench.startRaw(['-c', ''], { env: { ...ENV, PYCDS_SNAPSHOT, PYCDS_LOG: '1' } })
    return [...stderr.matchAll(/missed (\S+) BEFORE_HOOK/g)].map(([, name]) => name).toSorted()
  }
  t.deepEqual(await tooEarly(bench.snapshot), await tooEarly('off'))
  t.true((await tooEarly(bench.snapshot)).includes('encodings'))
  site('outer/inner/__init__.py', 'VALUE = "a package now"\n')
  await bench.assertSame(t, 'changed', [program, ...names], { env: ENV }, 'SOURCE_CHANGED')
})

each('a package that is a directory alone is found where it would be', async (t, python) => {
  const bench = new WarmBench(t, python)
  const site = (name: string, text: string) => bench.file(`${bench.inSite}/${name}`, text)
  site('spaced/one.py', 'VALUE = "one"\n')
  site('spaced/inner/two.py', 'VALUE = "two"\n')
  bench.file('beside/spaced/three.py', 'VALUE = "three"\n')
  bench.file('shadows/spaced.py', 'VALUE = "a module"\n')
  bench.file('whole/spaced/__init__.py', 'VALUE = "a package"\n')
  await bench.train()
  const names = ['spaced.one', 'spaced.inner.two']
  t.deepEqual((await bench.freezeWarm(names, ENV)).leftOut, [])
  const attempts = ['spaced', ...names, 'spaced.three'].map(
    (
      name,
    ) => `try: import ${name} as found; print(found.__name__, vars(found).get("VALUE"), list(getattr(found, "__path__", ())))
except ImportError as error: print(error)`,
  )
  const all = [
    ...attempts,
    'print(list(sys.path), spaced.__spec__.name, [n for n in sys.modules if "spaced" in n])',
  ]
  const add = (name: string, at = 'len(sys.path)') =>
    `sys.path.insert(${at}, ${JSON.stringify(join(bench.directory, name))})`
  const beside = JSON.stringify(join(bench.directory, 'beside/spaced'))
  const programs: Record<string, [lines: string[], ready: string[]]> = {
    plain: [all, ['spaced', ...names]],
    elsewhere: [
      [add('nothing'), ...all],
      ['spaced', ...names],
    ],
    extended: [[add('beside'), ...all], []],
    extended_later: [[attempts[1] ?? '', add('beside', '0'), ...all], ['spaced.one']],
    added_to: [[attempts[1] ?? '', `spaced.__path__.append(${beside})`, ...all], ['spaced.one']],
    module: [[add('shadows'), ...all], []],
    package: [[add('whole'), ...all], []],
    package_before: [[add('whole', '0'), ...all], []],
  }
  for (const [what, [lines, expected]] of Object.entries(programs)) {
    const script = bench.file(`${what}/main.py`, ['import sys', ...lines].join('\n'))
    const { ready } = await bench.assertSame(t, what, [script], { env: ENV })
    t.deepEqual(ready, expected, what)
  }
})

/** A library of modules that only test; by name. */
const PACKAGE: Record<string, string> = {
  'leaf.py': 'import sys\nVALUE = "leaf"\n',
  'middle.py': 'import leaf, json\nVALUE = leaf.VALUE + "+middle"\n',
  'top.py': 'from middle import VALUE as below\nimport random, queue\nVALUE = below + "+top"\n',
  'tree/__init__.py': 'from .inner import VALUE\n',
  'tree/inner.py': 'VALUE = "inner"\n',
  'lazy/__init__.py': 'from .first import VALUE\nfrom . import second\n',
  'lazy/first.py': 'import leaf\nVALUE = "first"\n',
  'lazy/second.py': 'from .first import VALUE\n',
  'tree/later.py': 'from . import VALUE\nimport leaf\n',
  'reads.py': 'import os\nVALUE = os.environ.get("MODE"), os.getenv("HOME")\n',
  'data.py': 'with open(__file__.replace("data.py", "data.txt")) as file: VALUE = file.read()\n',
  'data.txt': 'data',
  'optional.py': 'try:\n    import accelerated\nexcept ImportError:\n    accelerated = None\n',
  'fails.py': 'import leaf\nraise ImportError("always")\n',
  'tries.py': 'try:\n    import fails\nexcept ImportError as error:\n    VALUE = str(error)\n',
  'effects.py': [
    'import atexit, copyreg, logging, os, sys, threading, warnings',
    'warnings.filterwarnings("ignore", message="nothing")',
    'warnings.simplefilter("always", ResourceWarning, append=True)',
    'atexit.register(print, "bye of effects")',
    'class Finder:',
    '    @classmethod',
    '    def find_spec(cls, name, path, target=None): return None',
    'sys.meta_path.append(Finder)',
    'class Odd: pass',
    'copyreg.pickle(Odd, lambda odd: "odd")',
    'log = logging.getLogger("effects.inner")',
    'log.addHandler(logging.NullHandler())',
    'logging.addLevelName(7, "SEVEN")',
    'threading._register_atexit(print, "bye of threads")',
    'os.register_at_fork(before=lambda: print("forks", flush=True))',
    'import leaf',
    'leaf.ADDED = [1]',
  ].join('\n'),
}
const NAMES = [
  'top',
  'tree',
  'tree.later',
  'lazy.first',
  'reads',
  'data',
  'optional',
  'tries',
  'effects',
  'asyncio',
  'unittest.mock',
]

async function packaged(t: ExecutionContext, python: Python) {
  const bench = new WarmBench(t, python)
  await bench.train()
  for (const [name, text] of Object.entries(PACKAGE)) bench.file(`${bench.inSite}/${name}`, text)
  // As in an image: sources that are not read are looked at all the same.
  await bench.startPlain(['-m', 'compileall', '-q', bench.site])
  const { leftOut } = await bench.freezeWarm(NAMES, ENV)
  t.deepEqual(leftOut, [])
  return bench
}

const SHOW =
  'print([(n, m.__dict__.get("VALUE")) for n, m in sys.modules.items() if n not in ("gc", "_pycds")])'

const LEFT = 'class Left:\n    def __del__(self): print("gone", self.name, len([self]))\n'
const CYCLE = 'left = Left(); left.name = "cycle"; left.link = left\n'
/** What a program has left when it ends, in cycles: destroyed before what it would use then is. */
const AT_END: Record<string, string> = {
  'of a program': LEFT + CYCLE,
  'of one that imports': `import json\n${LEFT}${CYCLE}left.json = json\n`,
  'of one that leaves': `import json\n${LEFT}${CYCLE}raise SystemExit(3)\n`,
  'of one that knows itself': `import json, __main__\n${LEFT}${CYCLE}`,
  'of one that has a second name': `import sys, multiprocessing\n${LEFT}${CYCLE}print(sys.modules["__mp_main__"] is sys.modules["__main__"])\n`,
  'of one that has taken its place': `import json, sys, types\nsys.modules["__main__"] = types.ModuleType("__main__")\nimport multiprocessing\n${LEFT}${CYCLE}print(sys.modules["__mp_main__"] is sys.modules["__main__"])\n`,
  'of one that a library knows': `import knows\n${LEFT}${CYCLE}`,
  'of a module of its own': 'import json, beside\n',
  'what the last words need': `import threading\nvalues = threading.local(); values.one = "there"\nclass Last:\n    def __del__(self): print(values.one, threading.main_thread() is threading.current_thread())\nlast = Last()\n`,
}

each('what a program leaves at its end is destroyed as ever', async (t, python) => {
  const bench = new WarmBench(t, python)
  await bench.train()
  bench.file(`${bench.inSite}/knows.py`, 'import __main__\n')
  const { leftOut } = await bench.freezeWarm(['json', 'threading', 'multiprocessing', 'knows'], ENV)
  t.deepEqual(
    leftOut.map(({ name, reason }) => [name, reason]),
    [['knows', 'MAIN']],
  )
  bench.file('app/beside.py', LEFT + CYCLE)
  for (const [what, program] of Object.entries(AT_END)) {
    const script = bench.file('app/main.py', program)
    await bench.assertSame(t, what, [script], { env: ENV })
    await bench.assertSame(t, `${what}, a command`, ['-c', program], {
      env: ENV,
      cwd: join(bench.directory, 'app'),
    })
  }
})

/** What must win: files that lie beside the script, and the program; whether the statement finds its modules ready. */
const SHADOWED: Record<string, { files?: Record<string, string>; program: string; ready?: string }> = {
  'nothing in the way': { program: 'import top', ready: 'top' },
  'a module of a package, and then another': { program: 'import tree.later', ready: 'tree.later' },
  'a module that its own package asks for first': { program: 'import lazy.first', ready: 'lazy.first' },
  'a file beside the script': { files: { 'leaf.py': 'VALUE = "mine"' }, program: 'import top' },
  'a file that a nested import finds': { files: { 'random.py': 'VALUE = 4' }, program: 'import top' },
  'a program of the name of a module beside the script': {
    files: { leaf: '#!/bin/sh' },
    program: 'import top',
    ready: 'top',
  },
  'a package beside the script': { files: { 'queue/__init__.py': 'VALUE = 5' }, program: 'import top' },
  'an optional module that is there now': {
    files: { 'accelerated.py': 'VALUE = 6' },
    program: 'import optional; print(optional.accelerated)',
  },
  'an optional module in sys.modules': {
    program: 'sys.modules["accelerated"] = sys; import optional; print(optional.accelerated is sys)',
  },
  'a module that is forbidden': {
    program: 'sys.modules["_json"] = None; import middle; print(middle.json.decoder.c_scanstring)',
  },
  'a mock in sys.modules': {
    program: 'import types; sys.modules["leaf"] = types.SimpleNamespace(VALUE="mock"); import top',
  },
  'a finder in front': {
    program: [
      'class Finder:',
      '    def find_spec(self, name, path, target=None): print("asked", name)',
      'sys.meta_path.insert(0, Finder()); import middle',
    ].join('\n'),
  },
  'another __import__': {
    program: [
      'import builtins',
      'old = builtins.__import__',
      'def new(name, *args): print("import", name); return old(name, *args)',
      'builtins.__import__ = new; import middle',
    ].join('\n'),
  },
  'a trace function': {
    program: [
      'calls = []',
      'sys.settrace(lambda frame, event, arg: calls.append(frame.f_code.co_name)); import tree; sys.settrace(None)',
      'print(calls.count("<module>"))',
    ].join('\n'),
  },
  'a profile function': {
    program: [
      'calls = []',
      'sys.setprofile(lambda frame, event, arg: calls.append(frame.f_code.co_name)); import tree; sys.setprofile(None)',
      'print(calls.count("<module>"))',
    ].join('\n'),
  },
  'an audit hook': {
    program:
      'print(sys.addaudithook, sys.addaudithook.__doc__, sys.addaudithook.__module__, sys.addaudithook.__text_signature__); sys.addaudithook(lambda event, args: event == "import" and print(event, args[0])); import tree',
  },
  'a path hook': {
    program:
      'sys.path_hooks.insert(0, lambda path: 1 / 0 if path == "no" else (_ for _ in ()).throw(ImportError)); import tree',
  },
  'a directory in front of the search path': {
    files: { 'other/leaf.py': 'VALUE = "other"' },
    program: 'sys.path.insert(0, sys.path[0] + "/other"); import middle',
  },
  'a logger that is there already': {
    program:
      'import logging; logging.getLogger("effects.inner").name = "own"; import effects; print(effects.log.name)',
  },
  'another class of loggers': {
    program: [
      'import logging',
      'class Own(logging.Logger): pass',
      'logging.setLoggerClass(Own); import effects; print(type(effects.log))',
    ].join('\n'),
  },
  'a variable that was read': { program: 'import os; os.environ["MODE"] = "other"; import reads' },
  'another thread': {
    program:
      'import threading; one = threading.Thread(target=__import__, args=("top",)); one.start(); one.join()',
  },
  'an import that fails': {
    program: 'import tries; import leaf; print(leaf is sys.modules["leaf"])',
    ready: 'tries',
  },
  'a second import': {
    program:
      'import leaf; first = leaf; del sys.modules["leaf"]; import leaf; print(first is leaf)\nimport top',
  },
  'a reload': { program: 'import importlib, tree; tree.VALUE = 1; importlib.reload(tree)', ready: 'tree' },
  'importlib.import_module': {
    program: 'import importlib; importlib.import_module(".later", "tree")',
    ready: 'tree.later',
  },
}

async function whatWins(t: ExecutionContext, bench: WarmBench): Promise<void> {
  let place = 0
  for (const [what, { files = {}, program, ready }] of Object.entries(SHADOWED)) {
    const directory = `app${++place}`
    for (const [name, text] of Object.entries(files)) bench.file(`${directory}/${name}`, text)
    const script = bench.file(`${directory}/main.py`, `import sys\n${program}\n${SHOW}\n`)
    const told = await bench.assertSame(t, what, [script], { env: ENV })
    // The last import of the program is the one that must not be served.
    const asked = new RegExp(`^(${[...program.matchAll(/import ([\\w.]+)/g)].at(-1)?.[1]})$`)
    if (ready !== undefined)
      t.true(told.ready.includes(ready) && told.not.length === 0, `${what}: ${JSON.stringify(told)}`)
    else
      t.false(
        told.ready.some((name) => asked.test(name)),
        `${what}: ${JSON.stringify(told)}`,
      )
  }
}

async function whatChangesElsewhere(t: ExecutionContext, bench: WarmBench): Promise<void> {
  const state = readFileSync(inRepository('test/fixtures/snapshot/warm.py'), 'utf8')
  const script = bench.file('app/warm.py', state)
  for (const names of [
    ['leaf'],
    ['effects'],
    ['leaf', 'effects'],
    ['logging', 'effects', 'asyncio'],
    ['asyncio', 'effects'],
  ])
    await bench.assertSame(t, names.join(), [script, ...names], { env: ENV })
  const fork = 'import effects, os\npid = os.fork()\nif pid: os.waitpid(pid, 0)\nelse: os._exit(0)'
  await bench.assertSame(t, 'fork', ['-c', fork], { env: ENV })
}

async function whatHasChangedSince(t: ExecutionContext, bench: WarmBench): Promise<void> {
  const script = bench.file('app/main.py', `import sys\nimport top, tree, data, reads\n${SHOW}\n`)
  const told = async () => (await bench.assertSame(t, 'changed', [script], { env: ENV })).not
  t.deepEqual(await told(), [])
  const inner = bench.file('app/inner.py', `import sys\nimport tree.later\n${SHOW}\n`)
  const beside = async () => (await bench.assertSame(t, 'beside', [inner], { env: ENV })).not
  t.deepEqual(await beside(), [])
  bench.file(`${bench.inSite}/tree/later/__init__.py`, 'VALUE = "a package beside"\n')
  t.deepEqual(await beside(), ['tree.later'])
  bench.file(`${bench.inSite}/data.txt`, 'other data')
  t.deepEqual(await told(), ['data'])
  bench.file(`${bench.inSite}/leaf.py`, 'VALUE = "edited"\n')
  t.deepEqual(await told(), ['top', 'data'])
  const { not } = await bench.assertSame(t, 'a variable', [script], { env: { ...ENV, MODE: 'x' } })
  t.deepEqual(not, ['top', 'data', 'reads'])
}

each(
  'what wins over a module wins, what it changes elsewhere is changed, what is edited is new',
  async (t, python) => {
    const bench = await packaged(t, python)
    await whatWins(t, bench)
    await whatChangesElsewhere(t, bench)
    await whatHasChangedSince(t, bench)
  },
)

/** Modules that give others something, that look which others there are, and that keep nothing of what they read. */
const GIVERS: Record<string, string> = {
  'held.py': [
    'TABLE = {"own": 1}',
    'NOTHING = None',
    'class Lazy:',
    '    first = property(lambda self: 1)',
    '    last = 2',
    '    table = {"own": 1}',
    'def plain(): return "plain"',
    'def taken(): return "taken"',
    'def plainer(): return "plainer"',
    'def counted(): return 1',
  ].join('\n'),
  'adds.py': [
    'import held',
    'VALUE = held.ADDED = ["adds"]',
    'held.TABLE["adds"] = held.Lazy.table["adds"] = held.Lazy.adds = VALUE',
    'del held.Lazy.first',
  ].join('\n'),
  'more.py': 'import held\nVALUE = held.NOTHING = held.MORE = ["more"]\nheld.TABLE["more"] = VALUE\n',
  'ring/__init__.py': 'from . import part\nAFTER = 1\n',
  'ring/part.py': 'import ring\nring.GIVEN = [2]\nVALUE = ring.GIVEN\n',
  'sees.py': 'import sys\nVALUE = "queue" in sys.modules, sys.modules.get("sees") is not None\n',
  'helper.py': 'import sys\ndef look(): return [name for name in sys.modules if name == "queue"]\n',
  'calls.py': 'import helper\nVALUE = helper.look()\n',
  'patches.py': 'import held\nheld.Lazy.last = 3\n',
  'swaps.py':
    'import held\noriginal = held.plain\ndef other(): return "not " + original()\nheld.plain = other\nVALUE = held.plain()\n',
  'takes.py': 'from held import taken\nVALUE = taken()\n',
  'steals.py': 'import held\nheld.taken = lambda: "stolen"\n',
  'uses.py': 'import held\nVALUE = held.plainer()\n',
  'betters.py': 'import held\ndef better(): return "better"\nheld.plainer = better\n',
  'counts.py': 'import held\nKEPT = [held.counted]\nheld.counted = lambda: 2\n',
  'finds.py': 'import sys\nif "held" in sys.modules: sys.modules["held"].FOUND = 1\n',
  'years.py': 'import time\nYEAR = time.localtime(time.time()).tm_year\n',
  'asks.py': 'import os, time\nBEFORE = time.time() < os.getpid() < 0\n',
  'rolls.py': 'import random\ndice = random.Random()\n',
  'keeps.py': 'import random, os\ndice = random.Random()\nkey = os.urandom(8)\n',
  'silent.py': 'import os\nFLAG = os.environ.get("MODE") == "x"\n',
}
const LOOK = [
  'import sys',
  'for name in sys.argv[1:]: __import__(name)',
  'modules = [n for n in sys.modules if n not in ("gc", "_pycds")]',
  'held, ring = sys.modules.get("held"), sys.modules.get("ring")',
  'values = {n: vars(sys.modules[n]).get("VALUE") for n in modules}',
  'print(modules, {n: v for n, v in values.items() if v is not None})',
  'if held:',
  '    print([n for n in vars(held)], held.TABLE, held.NOTHING, held.Lazy.table, [n for n in vars(held.Lazy)], dir(held.Lazy))',
  '    print(held.plain(), held.taken(), held.plainer(), held.counted())',
  '    print(getattr(held, "ADDED", None) is values.get("adds"), held.Lazy.table.get("adds") is values.get("adds"))',
  'if ring: print([n for n in vars(ring)], ring.GIVEN is ring.part.VALUE)',
].join('\n')

each(
  'what a module gives another is given in its order, and none sees more than it would',
  async (t, python) => {
    const bench = new WarmBench(t, python)
    await bench.train()
    for (const [name, text] of Object.entries(GIVERS)) bench.file(`${bench.inSite}/${name}`, text)
    const wanted = [
      'held',
      'adds',
      'more',
      'ring',
      'sees',
      'queue',
      'calls',
      'patches',
      'finds',
      'swaps',
      'takes',
      'steals',
      'uses',
      'betters',
      'counts',
    ]
    const { leftOut } = await bench.freezeWarm([...wanted, 'years', 'asks', 'rolls', 'keeps'], ENV)
    t.deepEqual(
      leftOut.filter(({ name, because }) => name === because).map(({ name, reason }) => [name, reason]),
      [
        ['calls', 'MODULES'],
        ['years', 'TIME'],
        ['keeps', 'ENTROPY'],
        ['patches', 'CHANGED'],
        ['counts', 'CHANGED'],
        ['finds', 'CHANGED'],
      ],
    )
    const script = bench.file('app/look.py', LOOK)
    const ready = async (...names: string[]) =>
      (await bench.assertSame(t, names.join(), [script, ...names], { env: ENV })).ready
    t.deepEqual(await ready('held', 'adds', 'more'), ['held', 'adds', 'more'])
    t.deepEqual(await ready('more', 'adds', 'ring'), ['more', 'adds', 'ring'])
    t.deepEqual(await ready('swaps', 'held', 'takes'), ['swaps', 'takes'])
    t.deepEqual(await ready('uses', 'betters'), ['uses', 'betters'])
    t.deepEqual(await ready('betters', 'uses'), ['betters'])
    t.deepEqual(await ready('takes', 'steals'), ['takes', 'steals'])
    t.deepEqual(await ready('steals', 'takes'), ['steals'])
    for (const names of [
      ['held'],
      ['adds'],
      ['more', 'held'],
      ['ring.part'],
      ['held', 'more', 'patches', 'finds'],
      ['takes', 'swaps', 'steals'],
      ['steals', 'takes', 'held'],
      ['held', 'patches', 'swaps', 'uses'],
      ['counts', 'held'],
    ])
      await ready(...names)
    t.deepEqual(await ready('sees'), ['sees'])
    t.deepEqual(await ready('queue', 'sees'), ['queue'])
    t.deepEqual(await ready('asks', 'rolls'), ['asks', 'rolls'])
    const roll = ['-c', 'import rolls; print(rolls.dice.random())']
    const rolls = [await bench.start(roll, { env: ENV }), await bench.start(roll, { env: ENV })]
    t.deepEqual(
      rolls.map(({ snapshot }) => snapshot),
      ['thawed', 'thawed'],
    )
    t.not(rolls[0]?.stdout, rolls[1]?.stdout)
  },
)

/** Functions that keep what they stand for to themselves, and static methods. */
const INSTEAD: Record<string, string> = {
  'owns.py': [
    'class Kind:',
    '    @staticmethod',
    '    def make(): return "made"',
    '    @staticmethod',
    '    def taken(): return "taken"',
    'def plain(): return "plain"',
  ].join('\n'),
  'wraps.py': [
    'import owns',
    'def wrap(original):',
    '    def wrapped(): return "not " + original()',
    '    return wrapped',
    'owns.plain = wrap(owns.plain)',
    'def other(): return "other"',
    'owns.Kind.make = staticmethod(other)',
  ].join('\n'),
  'keeps_one.py': 'import owns\nKEPT = owns.Kind.taken\n',
  'breaks.py': 'import owns\nowns.Kind.taken = staticmethod(lambda: "broken")\n',
  'calls.py': 'import owns\nVALUE = owns.Kind.taken()\n',
  'hides.py': 'import owns\nKEPT = [owns.plain]\n',
}

each('what stands in the place of a function is put there when it is imported', async (t, python) => {
  const bench = new WarmBench(t, python)
  await bench.train()
  for (const [name, text] of Object.entries(INSTEAD)) bench.file(`${bench.inSite}/${name}`, text)
  const { leftOut } = await bench.freezeWarm(['owns', 'wraps', 'keeps_one', 'breaks', 'calls'], ENV)
  t.deepEqual(leftOut, [])
  const look = 'print(owns.plain(), owns.Kind.make(), owns.Kind.taken(), list(vars(owns.Kind)))'
  const programs: Record<string, [program: string, ready: string[]]> = {
    before: [`import owns; ${look}; import wraps; ${look}`, ['owns', 'wraps']],
    alone: [`import wraps, owns; ${look}`, ['wraps']],
    replaced: [`import owns; owns.plain = lambda: "mine"; import wraps; ${look}`, ['owns']],
    static: [`import owns; owns.Kind.make = staticmethod(print); import wraps; ${look}`, ['owns']],
    all: [
      `import keeps_one, wraps, breaks, owns; ${look}; print(keeps_one.KEPT())`,
      ['keeps_one', 'wraps', 'breaks'],
    ],
    behind: [`import breaks, keeps_one, owns; ${look}; print(keeps_one.KEPT())`, ['breaks']],
    calls: [`import breaks, calls; print(calls.VALUE)`, ['breaks', 'calls']],
    calls_before: [`import calls, breaks, owns; ${look}; print(calls.VALUE)`, ['owns', 'breaks']],
  }
  for (const [what, [program, expected]] of Object.entries(programs)) {
    const script = bench.file(`${what}/main.py`, program)
    const { ready } = await bench.assertSame(t, what, [script], { env: ENV })
    t.deepEqual(ready, expected, what)
  }
  const hidden = await bench.freezeWarm(['owns', 'hides', 'wraps'], ENV)
  t.deepEqual(
    hidden.leftOut.map(({ name, reason }) => [name, reason]),
    [['wraps', 'CHANGED']],
  )
})

each(
  'a package gets its modules and what others add to it in the order of a plain start',
  async (t, python) => {
    const bench = new WarmBench(t, python)
    await bench.train()
    const modules = {
      'held/__init__.py': '',
      'held/early.py': '',
      'held/late.py': 'import held, held.early\nheld.own = "own"\n',
      'adds.py': 'import held\nheld.added = "added"\n',
      'whole.py': 'import adds, held.late\n',
      'reversed_whole.py': 'import held.late, adds\n',
    }
    for (const [name, text] of Object.entries(modules)) bench.file(`${bench.inSite}/${name}`, text)
    t.deepEqual((await bench.freezeWarm(['whole', 'reversed_whole'], ENV)).leftOut, [])
    const look = 'print([name for name in vars(held) if not name.startswith("_")])'
    for (const name of ['whole', 'reversed_whole']) {
      const program = ['-c', `import ${name}, held; ${look}`]
      const { ready } = await bench.assertSame(t, name, program, { env: ENV })
      t.true(ready.includes(name))
    }
  },
)

/** `used` is what `user` goes by while it is imported. */
const REPLACED: Record<string, string> = {
  'used.py': [
    'import functools',
    'DEBUG = False',
    'STATE = None',
    'def function(): return "function"',
    'def work():',
    '    global STATE',
    '    STATE = [1]',
    '@functools.lru_cache',
    'def cached(): return "cached"',
    'class Base:',
    '    def inherited(self): return "inherited"',
    'class Kind(Base):',
    '    LIMIT = 1',
    '    class Inner:',
    '        def method(self): return "inner"',
    '    def method(self): return "method"',
    'bound = Kind().method',
    'hidden = type("Hidden", (), {"method": lambda self: "hidden"})()',
  ].join('\n'),
  'user.py': [
    'import sys, used',
    'kind = used.Kind()',
    'def stream(to=sys.stdout): return type(to).__name__',
    'VALUE = [used.DEBUG, used.function(), used.cached(), kind.inherited(), kind.LIMIT]',
    'VALUE += [kind.Inner().method(), kind.method(), used.hidden.method(), used.bound()]',
  ].join('\n'),
}
/** What a program does before it imports `user`. */
const REPLACEMENTS = [
  'used.DEBUG = True',
  'used.function = lambda: "mine"',
  'used.cached = lambda: "mine"',
  'used.bound = lambda: "mine"',
  'used.Kind.method = lambda self: "mine"',
  'used.Kind.LIMIT = 2',
  'used.Base.inherited = lambda self: "mine"',
  'used.Kind.inherited = lambda self: "mine"',
  'used.Kind.Inner.method = lambda self: "mine"',
  'type(used.hidden).method = lambda self: "mine"',
  'import io; sys.stdout = io.TextIOWrapper(sys.stdout.detach(), line_buffering=True)',
]
const HARMLESS = ['pass', 'used.work()', 'used.ADDED = 1', 'sys.argv = ["other"]', 'used.cached()']

each('a program that has replaced something gets what importing with it gives', async (t, python) => {
  const bench = new WarmBench(t, python)
  await bench.train()
  for (const [name, text] of Object.entries(REPLACED)) bench.file(`${bench.inSite}/${name}`, text)
  const { leftOut } = await bench.freezeWarm(['used', 'user'], ENV)
  t.deepEqual(leftOut, [])
  const ready = async (what: string) => {
    const program = `import sys, used\n${what}\nimport user\nprint(user.VALUE, user.stream(), used.STATE)\n`
    const script = bench.file('app/replaces.py', program)
    return (await bench.assertSame(t, what, [script], { env: ENV })).ready
  }
  for (const what of HARMLESS) t.deepEqual(await ready(what), ['used', 'user'], what)
  for (const what of REPLACEMENTS) t.deepEqual(await ready(what), ['used'], what)
  bench.file(`${bench.inSite}/pack/__init__.py`, 'VALUE = 1\n')
  bench.file(`${bench.inSite}/pack/part.py`, 'from . import VALUE\n')
  t.deepEqual((await bench.freezeWarm(['pack', 'pack.part'], ENV)).leftOut, [])
  const program = 'import pack; pack.VALUE = 2; import pack.part; print(pack.part.VALUE)'
  const script = bench.file('app/replaces.py', program)
  t.deepEqual((await bench.assertSame(t, 'a package', [script], { env: ENV })).ready, ['pack'])
})

/** `lists` asks a class of another module for those that are derived from it, and `walks` goes through all of them. */
const DERIVED: Record<string, string> = {
  'shapes.py': 'class Shape: pass\nclass Named(Shape): pass\nclass Flat: pass\n',
  'rounds.py':
    'import shapes\nLast = None\nclass Circle(shapes.Shape): pass\nclass Last(shapes.Shape): pass\n',
  'square.py': 'import shapes\nclass Square(shapes.Shape): pass\n',
  'lists.py':
    'import shapes, rounds\nVALUE = [one.__name__ for one in shapes.Shape.__subclasses__()]\nclass Listed(rounds.Circle, shapes.Shape): pass\n',
  'later.py':
    'import lists, shapes\nclass Later(shapes.Shape): pass\nimport square\nclass Last(lists.Listed): pass\n',
  'walks.py': [
    'import shapes, later',
    'VALUE, work = [], [shapes.Shape]',
    'while work:',
    '    VALUE.append(work.pop())',
    '    work += VALUE[-1].__subclasses__()',
    'for one in dict.fromkeys(VALUE):',
    '    name = "Extra" + one.__module__ + one.__name__',
    '    globals()[name] = type(name, (one,), {"__module__": __name__})',
  ].join('\n'),
  'ring_of/__init__.py':
    'import shapes\nclass First(shapes.Flat): pass\nfrom . import part\nclass Second(shapes.Flat): pass\n',
  'ring_of/part.py':
    'import shapes, ring_of\nVALUE = [one.__name__ for one in shapes.Flat.__subclasses__()]\n',
}
const OWN = 'import shapes\nclass Own(shapes.Shape): pass\n'
/** What a program does, and which of its statements find their modules ready. */
const ASKERS: Record<string, string[]> = {
  'import lists': ['lists'],
  'import shapes; show(); import rounds; show(); import lists': ['shapes', 'rounds', 'lists'],
  'import lists; show(); import later; show(); import walks': ['lists', 'later', 'walks'],
  'import walks': ['walks'],
  'import lists, later, ring_of.part': ['lists', 'later', 'ring_of.part'],
  'import ring_of.part': ['ring_of.part'],
  'import shapes\nclass Own(shapes.Flat): pass\nimport ring_of.part': ['shapes'],
  'import square; show(); import lists': ['square', 'rounds'],
  'import later, square; show(); import walks': ['later', 'walks'],
  [`${OWN}show(); import lists`]: ['shapes', 'rounds'],
  [`${OWN}del Own; import gc; gc.collect(); show(); import lists`]: ['shapes', 'lists'],
  [`${OWN}import rounds; show()`]: ['shapes', 'rounds'],
  [`import lists\n${OWN}import later; show()`]: ['lists', 'later'],
  [`import later\n${OWN}import walks`]: ['later'],
  'import shapes; shapes.Shape.__len__ = lambda self: 3; import rounds; print(len(rounds.Circle()))': [
    'shapes',
  ],
  'import shapes; shapes.Shape.more = 1; del shapes.Shape.more; import rounds; show()': ['shapes'],
  'import rounds, sys; del sys.modules["rounds"]; import lists': ['rounds'],
}

each(
  'a module that asks a class for those derived from it is ready where they are the same',
  async (t, python) => {
    const bench = new WarmBench(t, python)
    await bench.train()
    for (const [name, text] of Object.entries(DERIVED)) bench.file(`${bench.inSite}/${name}`, text)
    const names = ['lists', 'later', 'walks', 'ring_of']
    t.deepEqual((await bench.freezeWarm(names, ENV)).leftOut, [])
    for (const [what, ready] of Object.entries(ASKERS)) {
      const lines = [
        'import sys',
        'def names(of): return [(one.__module__, one.__name__, names(one)) for one in of.__subclasses__()]',
        'def show(): print(names(sys.modules["shapes"].Shape))',
        what,
        'show()',
        'print([(name, getattr(module, "VALUE", None)) for name, module in sys.modules.items() if name not in ("gc", "_pycds")])',
      ]
      const script = bench.file('app/asks.py', lines.join('\n'))
      const told = await bench.assertSame(t, what, [script], { env: ENV })
      t.deepEqual(
        told.ready.filter((name) => name !== 'gc'),
        ready,
        what,
      )
    }
  },
)

/** Modules that ask which files there are. */
const LISTING: Record<string, string> = {
  'plugs/__init__.py': 'import os\nVALUE = sorted(os.listdir(os.path.dirname(__file__) + "/parts"))\n',
  'plugs/parts/one.txt': '',
  'plugs/parts/inner/two.txt': '',
  'finds.py': [
    'import os, plugs',
    'VALUE = {path: (sorted(inner), sorted(names)) for path, inner, names in os.walk(plugs.__path__[0] + "/parts")}',
  ].join('\n'),
  'first.py': 'import os, plugs\nVALUE = os.listdir(plugs.__path__[0] + "/parts")\n',
  'times.py':
    'import os, plugs\nVALUE = {one.name: one.stat().st_size for one in os.scandir(plugs.__path__[0] + "/parts")}\n',
  'own.py': 'import os\nVALUE = "added.txt" in os.listdir(os.path.dirname(__file__))\n',
}

each('a module that lists a directory is ready while the same files are in it', async (t, python) => {
  const bench = new WarmBench(t, python)
  await bench.train()
  const site = (name: string, text: string) => bench.file(`${bench.inSite}/${name}`, text)
  for (const [name, text] of Object.entries(LISTING)) site(name, text)
  await bench.startPlain(['-m', 'compileall', '-q', bench.site])
  const { leftOut } = await bench.freezeWarm(['finds', 'first', 'times', 'own', 'json'], ENV)
  t.deepEqual(
    leftOut.map(({ name, reason }) => [name, reason]),
    [
      ['first', 'DIFFERS'],
      ['times', 'LISTED'],
    ],
  )
  const program = 'import json, plugs, finds; print(plugs.VALUE, finds.VALUE)'
  const script = bench.file('app/lists.py', program)
  const not = async (what: string) => (await bench.assertSame(t, what, [script], { env: ENV })).not
  t.deepEqual(await not('the same'), [])
  site('plugs/parts/inner/two.txt', 'more')
  t.deepEqual(await not('other contents'), [])
  site('plugs/parts/inner/three.txt', '')
  t.deepEqual(await not('a file more'), ['finds'])
  site('plugs/parts/four.txt', '')
  t.deepEqual(await not('another one'), ['plugs'])
  rmSync(join(bench.site, 'plugs/parts/four.txt'))
  rmSync(join(bench.site, 'plugs/parts/inner'), { recursive: true })
  site('plugs/parts/inner', 'a file')
  t.deepEqual(await not('another kind'), ['plugs'])
})

/** Modules that emit warnings which are ignored; by whose line they come is in their names. */
const WARNING: Record<string, string> = {
  'old.py': 'import warnings\nBEFORE = 1\nwarnings.warn("old is old", DeprecationWarning, 2)\nAFTER = 2\n',
  'uses_old.py': 'FIRST = 1\nimport old\nLAST = 2\n',
  'itself.py':
    'import warnings\nBEFORE = 1\nwarnings.warn("itself is old", PendingDeprecationWarning)\nAFTER = 2\n',
  'filters.py':
    'import warnings\nwarnings.filterwarnings("always", message="something else")\nimport uses_old, itself\n',
  'quiet.py': [
    'import warnings',
    'with warnings.catch_warnings():',
    '    warnings.simplefilter("ignore")',
    '    warnings.warn("nobody hears", UserWarning)',
  ].join('\n'),
  'old_too.py': 'import warnings\nwarnings.warn("old, too", DeprecationWarning, 2)\n',
  'uses_old_too.py': 'import old_too\n',
  // As scikit-learn imports joblib.
  'quietly.py':
    'import warnings\nwith warnings.catch_warnings():\n    warnings.simplefilter("ignore")\n    import uses_old_too\n',
}
/** Those that are caught while another module is imported, of which not all say the same as the process. */
const CAUGHT: Record<string, string> = {
  'silences.py':
    'import warnings\nwarnings.simplefilter("ignore", FutureWarning)\nimport within, fails_within\n',
  'within.py': 'import warnings\nwarnings.warn("within", FutureWarning)\n',
  'fails.py': 'import warnings\nwarnings.warn("fails", FutureWarning)\nraise ImportError("fails")\n',
  'fails_within.py': 'try: import fails\nexcept ImportError: pass\n',
  'new.py': 'import warnings\nwarnings.warn("new is new", UserWarning, 2)\n',
  'uses_new.py': 'import new\n',
  'hides.py':
    'import warnings\nwith warnings.catch_warnings():\n    warnings.simplefilter("ignore")\n    import uses_new\n',
  'old_again.py': 'import warnings\nwarnings.warn("old again", DeprecationWarning, 2)\n',
  'uses_old_again.py': 'import old_again\n',
  'records.py':
    'import warnings\nwith warnings.catch_warnings(record=True) as LOG:\n    warnings.simplefilter("always")\n    import uses_old_again\n',
}
/** What a program does, and which of its statements find their modules ready. */
const WARNED: Record<string, string[]> = {
  'import uses_old, itself, quiet': ['uses_old', 'itself', 'quiet'],
  'import filters': ['filters'],
  'import quietly': ['quietly'],
  'import uses_old_too': ['uses_old_too'],
  'import warnings; warnings.simplefilter("always"); import quietly': [],
  'import warnings; warnings.simplefilter("error"); import quietly': [],
  'import old_too': [],
  'import old, uses_old': [],
  'import warnings; warnings.simplefilter("always"); import uses_old, itself': [],
  'import warnings; warnings.simplefilter("error")\ntry: import itself\nexcept Warning as error: print(repr(error))':
    [],
  'import warnings; warnings.simplefilter("error"); import quiet': ['quiet'],
  'import warnings; warnings.filterwarnings("always", message="itself"); import uses_old, itself': [
    'uses_old',
  ],
  'import warnings; warnings.filterwarnings("always", module="uses_old"); import itself, uses_old': [
    'itself',
  ],
  'import warnings\nwith warnings.catch_warnings(record=True) as log:\n    warnings.simplefilter("always"); import uses_old, itself\nprint([str(one.message) for one in log])':
    [],
  'import warnings; warnings.showwarning = print; import itself': [],
  'import warnings; warnings.defaultaction = "error"; import itself': [],
  'import silences': ['silences'],
  'import warnings; warnings.simplefilter("always"); import silences': ['silences'],
  'import within': [],
  'import fails_within': [],
  'import warnings; warnings.simplefilter("ignore", FutureWarning); import within, fails_within': [
    'within',
    'fails_within',
  ],
}

each('a module that emits a warning which is ignored is ready where it would be', async (t, python) => {
  const bench = new WarmBench(t, python)
  await bench.train()
  for (const [name, text] of Object.entries(WARNING)) bench.file(`${bench.inSite}/${name}`, text)
  for (const [name, text] of Object.entries(CAUGHT)) bench.file(`${bench.inSite}/${name}`, text)
  const names = [
    'warnings',
    'uses_old',
    'itself',
    'quiet',
    'filters',
    'quietly',
    'hides',
    'records',
    'silences',
  ]
  const { leftOut } = await bench.freezeWarm(names, ENV)
  t.deepEqual(
    leftOut.flatMap(({ name, reason, because }) => (name === because ? [[name, reason]] : [])),
    [
      ['new', 'WARNED'],
      ['old_again', 'WARNED'],
    ],
  )
  for (const [what, ready] of Object.entries(WARNED)) {
    const lines = [
      'import sys',
      what,
      'for name in ("__main__", "old", "uses_old", "itself", "quiet", "uses_old_too", "silences", "within", "fails_within"):',
      '    module = sys.modules.get(name)',
      '    if not module: continue',
      '    print(name, [key for key in vars(module)])',
      '    registry = getattr(module, "__warningregistry__", None)',
      // Of modules that change the filters for a while the number is that of nobody.
      '    if registry: print(list(registry), name == "quiet" or 0 <= registry["version"] <= current())',
    ]
    const current =
      'def current():\n    import _warnings\n    known = {}\n    _warnings.warn_explicit("", DeprecationWarning, "", 1, "none", known)\n    return known.get("version")\n'
    const script = bench.file('app/warned.py', current + lines.join('\n'))
    const told = await bench.assertSame(t, what, [script], { env: ENV })
    t.deepEqual(
      told.ready.filter((name) => `${name}.py` in { ...WARNING, ...CAUGHT }),
      ready,
      what,
    )
  }
})

const PLUGINS = Array.from({ length: 8 }, (_, i) => `plugin_${i}`)

each('modules that are imported in the order of a set are ready in any order', async (t, python) => {
  const bench = new WarmBench(t, python)
  await bench.train()
  for (const [i, name] of PLUGINS.entries())
    bench.file(`${bench.inSite}/${name}.py`, `import ${i % 2 ? 'queue' : 'colorsys'}\nVALUE = ${i}\n`)
  const names = PLUGINS.map((name) => `"${name}"`).join()
  const body = `import importlib\nMODULES = {name: importlib.import_module(name) for name in {${names}}}\n`
  bench.file(`${bench.inSite}/plugins.py`, body)
  // A set that is a constant may come in another order out of bytecode.
  await bench.startPlain(['-m', 'compileall', '-q', bench.site])
  t.deepEqual((await bench.freezeWarm(['plugins'])).leftOut, [])
  const program =
    'import plugins, sys; print(sorted(plugins.MODULES), sorted(sys.modules.keys() - {"gc", "_pycds"}))'
  const script = bench.file('app/plugs.py', program)
  t.deepEqual((await bench.assertSame(t, 'plugins', [script])).ready, ['plugins'])
})

/** By name of a file: modules that put others, or classes, into a third one, in the order of a set. */
const IN_ORDER_OF_SETS: Record<string, string> = {
  'holder.py': '',
  // Of texts: by the secret of hash().
  'of_texts.py': [
    'import importlib, holder',
    `for one in {${PLUGINS.map((name) => `"${name}"`).join()}}:`,
    '    setattr(holder, "has_" + one, importlib.import_module(one))',
  ].join('\n'),
  // Of classes: by their addresses, which are others in each process.
  'of_classes.py': [
    'import holder',
    ...PLUGINS.map((name) => `class ${name}: pass`),
    `for one in {${PLUGINS.join()}}: setattr(holder, "class_" + one.__name__, one)`,
  ].join('\n'),
  'uses_classes.py': 'import of_classes\n',
}

each(
  'effects in the order of a set are held where all templates have them in that order',
  async (t, python) => {
    const bench = new WarmBench(t, python)
    await bench.train()
    for (const name of PLUGINS) bench.file(`${bench.inSite}/${name}.py`, 'import queue\n')
    for (const [name, text] of Object.entries(IN_ORDER_OF_SETS)) bench.file(`${bench.inSite}/${name}`, text)
    await bench.startPlain(['-m', 'compileall', '-q', bench.site])
    const names = ['json', 'of_texts', 'uses_classes']
    const { leftOut } = await bench.freezeWarm(names)
    t.deepEqual(
      leftOut.map(({ name, reason, because }) => [name, reason, because]),
      [
        ['of_classes', 'DIFFERS', 'of_classes'],
        ['uses_classes', 'DIFFERS', 'of_classes'],
      ],
    )
    const program = [
      'import sys, json, of_texts, uses_classes, holder',
      'print(sorted(vars(holder)), sorted(sys.modules.keys() - {"gc", "_pycds"}), sys.flags)',
      'print(eval(repr({"a", "b", "c"})) == {"c", "b", "a"}, hash("a") == hash("".join("a")), {"sys": 1}.get(sys.__name__))',
    ].join('\n')
    const { ready } = await bench.assertSame(t, 'sets', [bench.file('app/sets.py', program)])
    t.deepEqual(ready, ['json', 'of_texts'])
  },
)

each('the secret of hash() is another one in each snapshot', async (t, python) => {
  const hashes: string[] = []
  for (let i = 0; i < 2; i++) {
    const bench = new WarmBench(t, python)
    await bench.train()
    await bench.freezeWarm(['json'])
    const starts = [0, 1].map(() => bench.start(['-c', 'import json; print(hash("pycds"))']))
    const [one, other] = await Promise.all(starts)
    t.is(one?.snapshot, 'thawed')
    t.is(one?.stdout, other?.stdout)
    hashes.push(one?.stdout ?? '')
    // It is the configuration that counts where there is one.
    await bench.freezeWarm(['json'], ENV)
    await bench.assertSame(t, 'seed', ['-c', 'import json; print(hash("pycds"))'], { env: ENV })
  }
  t.not(hashes[0], hashes[1])
})

each('a program that a snapshot is not worth its while for starts without', async (t, python) => {
  const bench = new WarmBench(t, python)
  await bench.train()
  const imports = ['asyncio', 'unittest.mock', 'email.mime.text', 'xml.dom.minidom', 'multiprocessing']
  const script = bench.file('app/main.py', 'import asyncio; print(asyncio.__name__)\n')
  const other = bench.file('app/other.py', 'print("other")\n')
  bench.file('app/named.py', 'print(__name__)\n')
  await bench.watch(imports, ENV)
  const programs: WarmProgram[] = [
    { kind: 'script', text: script, imports },
    { kind: 'command', text: 'import asyncio', imports },
    { kind: 'command', text: 'import sys', imports: [] },
    { kind: 'module', text: 'named', imports },
  ]
  const ended = await bench.tryToFreezeWarm(ENV, programs)
  t.is(ended.code, 0, ended.stderr)
  const cwd = join(bench.directory, 'app')
  const expected: [args: string[], snapshot: string, input?: string][] = [
    [[script], 'thawed'],
    [['main.py'], 'thawed'],
    [['-m', 'named'], 'thawed'],
    [['-c', 'import asyncio; print(1)'], 'thawed'],
    [[other], 'OTHER_PROGRAM'],
    [['-m', 'json.tool', '--help'], 'OTHER_PROGRAM'],
    [['-c', 'print(1)'], 'OTHER_PROGRAM'],
    [['-'], 'OTHER_PROGRAM', 'print(2)'],
    [['-c', 'import sys; print(1)'], 'LITTLE_GAIN'],
  ]
  for (const [args, snapshot, input] of expected)
    await bench.assertSame(t, args.join(' '), args, { env: ENV, cwd, ...(input && { input }) }, snapshot)
})

/** Counts pages that are ready to be changed, and those of them that are as they were; ends with two numbers. */
const SPARED = [
  'import json, sys',
  'changed = same = 0',
  'with open("/proc/self/mem", "rb", buffering=0) as memory, open(sys.argv[1], "rb") as file:',
  '    for at, pages, offset in json.loads(sys.argv[2]):',
  '        for page in range(0, pages * 4096, 4096):',
  '            memory.seek(at + page)',
  '            file.seek(offset + page)',
  '            changed += 1',
  '            same += memory.read(4096) == file.read(4096)',
  'print(changed, same)',
].join('\n')

each('pages that the imports of a program do not change are not made ready', async (t, python) => {
  const bench = new WarmBench(t, python)
  await bench.train()
  const command = 'import asyncio, unittest.mock, email.mime.text, http.server, sqlite3\n'
  const told = await bench.startPlain(['-c', `${command}import sys; print(*sys.modules)`])
  const imports = told.stdout.trim().split(' ')
  const { leftOut } = await bench.freezeWarm(imports, ENV)
  const left = new Set(leftOut.map(({ name }) => name))
  const kept = imports.filter((name) => !left.has(name))
  const ended = await bench.tryToFreezeWarm(ENV, [{ kind: 'command', text: command, imports: kept }])
  t.is(ended.code, 0, ended.stderr)
  const file = readFileSync(bench.snapshot)
  const regions = regionsOf(file)
  const pages = placesOf(file, 'warm').map((at) => {
    const [address, bytes] = [file.readBigUInt64LE(at), file.readBigUInt64LE(at + 8)]
    const region = regions.find((one) => one.address <= address && address < one.address + one.bytes)
    return [address, bytes / 4096n, (region?.offset ?? 0n) + address - (region?.address ?? 0n)].map(Number)
  })
  const args = ['-c', `${command}${SPARED}`, bench.snapshot, JSON.stringify(pages)]
  const { stdout, snapshot } = await bench.start(args, { env: ENV })
  t.is(snapshot, 'thawed')
  const [all = 0, same = 0] = stdout.trim().split(' ').map(Number)
  t.true(all > 200 && same < 0.36 * all, `${same} of ${all}`)
})

each('what is put into a directory after the start is found as ever', async (t, python) => {
  const bench = new WarmBench(t, python)
  await bench.train()
  bench.file(`${bench.inSite}/late.py`, 'VALUE = "module"\n')
  await bench.startPlain(['-m', 'compileall', '-q', bench.site])
  await bench.freezeWarm(['late', 'json'], ENV)
  const program = [
    'import os, sys',
    'made = os.path.join(sys.argv[1], "late")',
    'if len(sys.argv) > 2:',
    '    os.mkdir(made)',
    '    open(os.path.join(made, "__init__.py"), "w").write("VALUE = \'package\'")',
    'try:',
    '    import late, json',
    '    print(late.VALUE)',
    'finally:',
    '    if len(sys.argv) > 2:',
    '        import shutil',
    '        shutil.rmtree(made)',
  ].join('\n')
  const script = bench.file('app/late.py.txt', program)
  const not = async (...more: string[]) =>
    (await bench.assertSame(t, `late ${more}`, [script, bench.site, ...more], { env: ENV })).not
  t.deepEqual(await not(), [])
  t.deepEqual(await not('made'), ['late'])
})

/** Starts workers, which import by themselves; each tells what it has found. */
const WORKERS = [
  'import multiprocessing, sys',
  'def work(number):',
  '    import asyncio, unittest.mock, random',
  '    async def double(): return 2 * number',
  '    return asyncio.run(double()), len([n for n in sys.modules if n not in ("gc", "_pycds")]), random.random()',
  'if __name__ == "__main__":',
  '    with multiprocessing.get_context(sys.argv[1]).Pool(2) as pool:',
  '        answers = pool.map(work, range(4), 1)',
  '    print([answer[:2] for answer in answers], len({answer[2] for answer in answers}))',
].join('\n')

each('workers of a program that a snapshot is for are made of it too', async (t, python) => {
  const bench = new WarmBench(t, python)
  await bench.train()
  const imports = ['multiprocessing.pool', 'asyncio', 'unittest.mock', 'multiprocessing.forkserver']
  const script = bench.file('app/main.py', WORKERS)
  await bench.watch(imports, ENV)
  const ended = await bench.tryToFreezeWarm(ENV, [
    { kind: 'script', text: script, imports },
    { kind: 'command', text: 'from multiprocessing.spawn import spawn_main;', imports },
    { kind: 'command', text: 'from multiprocessing.forkserver import main;', imports },
  ])
  t.is(ended.code, 0, ended.stderr)
  for (const method of ['spawn', 'forkserver']) {
    const plain = await bench.startPlain([script, method], { env: ENV })
    const env = { ...ENV, PYCDS_SNAPSHOT: bench.snapshot, PYCDS_LOG: '1' }
    const { stdout, stderr, code } = await bench.startRaw([script, method], { env })
    t.deepEqual([stdout, code], [plain.stdout, 0], stderr)
    const thawed = new Set(
      [...stderr.matchAll(/^pycds\[(\d+)\]: snapshot thawed/gm)].map(([, process]) => process),
    )
    // The program and a worker or the server; another worker may be ended before it has begun.
    t.true(thawed.size >= 2, stderr)
  }
})

/** A module that keeps all of another one, and uses it when it is imported. */
const COPY = [
  'import os as original, types',
  'os = types.ModuleType("os")',
  'vars(os).update(vars(original))',
  'os.register_at_fork(before=lambda: print("forks", flush=True))',
].join('\n')

each('a module may keep copies of others', async (t, python) => {
  const bench = new WarmBench(t, python)
  await bench.train()
  bench.file(`${bench.inSite}/copies.py`, COPY)
  t.deepEqual((await bench.freezeWarm(['copies'], ENV)).leftOut, [])
  const program =
    'import os, copies; print(copies.os.register_at_fork is os.register_at_fork, flush=True); pid = os.fork() or os._exit(0); os.waitpid(pid, 0)'
  const script = bench.file('app/main.py', program)
  const { ready } = await bench.assertSame(t, 'a copy', [script], { env: ENV })
  t.deepEqual(ready, ['copies'])
})

/** An object that imports what it stands for when somebody asks it for anything, and a module that is made lazily, too. */
const LAZY: Record<string, string> = {
  'stands_in.py': [
    'class Proxy:',
    '    __slots__ = ("what",)',
    '    @property',
    '    def __dict__(self):',
    '        import colorsys; return vars(colorsys)',
    '    def __repr__(self): return str(self.__dict__)',
    'PROXY = Proxy()',
  ].join('\n'),
  'replaces_itself.py': [
    'import sys, types',
    'class Lazy(types.ModuleType):',
    '    def __getattr__(self, name):',
    '        if name != "DECODER": raise AttributeError(name)',
    '        import json.decoder; self.DECODER = json.decoder.JSONDecoder; return self.DECODER',
    'new = sys.modules[__name__] = Lazy(__name__)',
    'new.__file__ = __file__',
  ].join('\n'),
  'asks.py': 'import replaces_itself\nVALUE = replaces_itself.DECODER\n',
}

each(
  'what stands for something else is not asked for it, and is filled by whoever asks',
  async (t, python) => {
    const bench = new WarmBench(t, python)
    await bench.train()
    for (const [name, text] of Object.entries(LAZY)) bench.file(`${bench.inSite}/${name}`, text)
    const { leftOut, record } = await bench.freezeWarm(['stands_in', 'replaces_itself', 'asks'], ENV)
    t.deepEqual(leftOut, [])
    t.false(record.modules.some(({ name }) => name === 'colorsys'))
    const program =
      'import replaces_itself, sys; print(vars(replaces_itself).keys(), "json" in sys.modules); import asks; print(vars(replaces_itself).keys())'
    const script = bench.file('app/main.py', program)
    const { ready } = await bench.assertSame(t, 'lazy', [script], { env: ENV })
    t.deepEqual(ready, ['replaces_itself', 'asks'])
  },
)

each('a class that was only used is as it was', async (t, python) => {
  const bench = new WarmBench(t, python)
  await bench.train()
  bench.file(`${bench.inSite}/kinds.py`, 'class Kind: pass\nclass Other: pass\n')
  bench.file(`${bench.inSite}/uses_kinds.py`, 'import kinds\n')
  t.deepEqual((await bench.freezeWarm(['kinds', 'uses_kinds', 'pickle'], ENV)).leftOut, [])
  for (const [what, isReady] of [
    ['pickle.dumps(kinds.Kind(), 2)', true],
    ['kinds.Other.__annotations__', true],
    ['kinds.Other.__annotations__["one"] = int', false],
    ['kinds.Other.one = 1', false],
  ] as const) {
    const program = `import pickle, kinds\n${what}\nimport uses_kinds, sys\nprint([*vars(kinds.Kind)], [*vars(kinds.Other)], "uses_kinds" in sys.modules)`
    const script = bench.file('app/main.py', program)
    const { ready } = await bench.assertSame(t, what, [script], { env: ENV })
    t.is(ready.includes('uses_kinds'), isReady, what)
  }
})

/** A package that imports what is asked for, and then says that it is its own, as anyio 4.16 does. */
const FILLED: Record<string, string> = {
  'lazily/__init__.py': [
    'import sys',
    'from importlib import import_module',
    'PLACES = {"Thing": "._things", "Other": "._things", "work": "._things", "Far": "._far", "Keeps": "._reads"}',
    'def __getattr__(name):',
    '    if name not in PLACES: raise AttributeError(name)',
    '    value = getattr(import_module(PLACES[name], __name__), name)',
    '    if getattr(value, "__module__", "").startswith(__name__ + "."): value.__module__ = __name__',
    '    globals()[name] = value',
    '    return value',
  ].join('\n'),
  'lazily/_things.py': 'class Thing: pass\nclass Other: pass\ndef work(): pass\n',
  'lazily/_far.py':
    'class Kinds(type):\n    def __setattr__(self, name, value): super().__setattr__(name, value)\nclass Far(metaclass=Kinds):\n    class Inner: pass\n',
  'lazily/_reads.py': 'from ._things import Thing\nclass Keeps: TEXT = Thing.__module__\n',
  'asks_keeps.py': 'from lazily import Keeps\n',
  'asks_first.py': 'from lazily import Thing, Far\n',
  'asks_second.py': 'from lazily import Other, Thing, work\n',
  'asks_within.py': 'from lazily import work\nimport asks_second\nfrom lazily import Thing, Other\n',
  'reads_before.py': 'import lazily._things\nTEXT = lazily._things.Thing.__module__\n',
  'asks_behind.py': 'import asks_first, lazily\nTEXT = lazily.Thing.__module__\n',
  'shows_before.py': 'import lazily._things\nTEXT = repr(lazily._things.Thing())[:24]\n',
  'reads_far.py': 'import lazily._far, asks_second\nTEXT = vars(lazily._far.Far)["__module__"]\n',
  'looks_around.py': 'import lazily\nNAMES = sorted(name for name in vars(lazily) if name[0] != "_")\n',
  'lazily_fresh.py':
    'def __getattr__(name):\n    if name != "FRESH": raise AttributeError(name)\n    globals()[name] = value = []\n    return value\n',
  'asks_fresh.py': 'from lazily_fresh import FRESH\n',
  'asks_fresh_too.py': 'from lazily_fresh import FRESH\n',
  'lazily_made.py':
    'def __getattr__(name):\n    if name != "MADE": raise AttributeError(name)\n    globals()[name] = value = type("Made", (), {})\n    return value\n',
  'asks_made.py': 'from lazily_made import MADE\n',
  'asks_made_too.py': 'from lazily_made import MADE\n',
  'asks_pattern.py': 'from typing import Pattern\nTEXT = repr(Pattern)\n',
  'asks_pattern_too.py': 'import typing\nTEXT = repr(typing.Pattern)\n',
}
/** By module: who else has to be left out with it. */
const READERS = [
  'lazily._reads',
  'asks_keeps',
  'reads_before',
  'shows_before',
  'reads_far',
  'looks_around',
  'asks_made_too',
]

each('what a package has others fill in is filled in by whoever asks', async (t, python) => {
  const bench = new WarmBench(t, python)
  await bench.train()
  for (const [name, text] of Object.entries(FILLED)) bench.file(`${bench.inSite}/${name}`, text)
  const names = [
    ...['reads_before', 'shows_before', 'asks_first', 'asks_second', 'asks_within', 'asks_behind'],
    ...['reads_far', 'looks_around', 'asks_fresh', 'asks_fresh_too', 'asks_made', 'asks_made_too'],
    ...['asks_keeps', 'asks_pattern', 'asks_pattern_too'],
  ]
  const { leftOut } = await bench.freezeWarm(names, ENV)
  t.deepEqual(leftOut.map(({ name }) => name).sort(), [...READERS].sort())
  const shows = [
    'import sys, pickle',
    'def shows():',
    '    print([one for one in sys.modules if one.startswith(("lazily", "asks", "reads", "shows", "looks"))])',
    '    for name in [one for one in sys.modules if one.startswith("lazily")]:',
    '        space = vars(sys.modules[name])',
    '        print(name, [*space])',
    '        for one in space.values():',
    '            if getattr(one, "__module__", "").startswith("lazily"):',
    '                print(one.__module__, [*vars(one)], hasattr(one, "__firstlineno__"), repr(one)[:14], pickle.dumps(one))',
    '    for name in [one for one in sys.modules if one.startswith(("reads", "shows", "asks", "looks"))]:',
    '        print(name, {key: value for key, value in vars(sys.modules[name]).items() if key.isupper()})',
    '',
  ].join('\n')
  const only = ['asks_first', 'asks_second', 'asks_within', 'asks_behind', 'asks_fresh']
  const programs: [string, readonly string[]][] = [
    ...only.map((one): [string, string[]] => [`import ${one}`, [one]]),
    ['import asks_second, asks_first', ['asks_second', 'asks_first']],
    ['import asks_first; shows(); import asks_second', ['asks_first', 'asks_second']],
    ['import asks_second; shows(); import asks_within', ['asks_second', 'asks_within']],
    ['import reads_before; shows(); import asks_second', ['asks_second']],
    ['import asks_second, reads_before, shows_before', ['asks_second']],
    ['import reads_far', ['asks_second']],
    ['import asks_first, reads_far', ['asks_first', 'asks_second']],
    ['import asks_behind, looks_around', ['asks_behind']],
    ['import asks_second, asks_keeps; print(asks_keeps.Keeps.TEXT)', ['asks_second']],
    ['import asks_keeps, asks_first; print(asks_keeps.Keeps.TEXT)', ['asks_first']],
    ['import lazily._things; lazily._things.Thing.__module__ = "other"; import asks_second', []],
    ['import lazily; lazily.Other; import asks_second', ['asks_second']],
    [
      'import lazily; lazily.Other, lazily.work; import asks_first; shows(); import asks_within',
      ['asks_first', 'asks_within'],
    ],
    ['import lazily; lazily.Other; lazily.Thing.more = 1; import asks_second', []],
    ['import lazily._things; del lazily._things.Thing.__firstlineno__; import asks_second', []],
    ['import lazily; lazily.Thing = 1; import asks_second', []],
    ['import lazily._things; lazily._things.work.__module__ = "other"; import asks_second', []],
    ['import asks_first, lazily; del lazily.Thing; import asks_second', ['asks_first']],
    [
      'import asks_fresh, asks_fresh_too; print(asks_fresh.FRESH is asks_fresh_too.FRESH)',
      ['asks_fresh', 'asks_fresh_too'],
    ],
    ['import asks_fresh_too, asks_fresh', ['asks_fresh_too', 'asks_fresh']],
    ['import lazily_fresh; lazily_fresh.FRESH; import asks_fresh', []],
    ['import asks_made, asks_made_too', ['asks_made']],
    ['import asks_pattern_too, typing; print([*vars(typing)][-3:])', ['asks_pattern_too']],
    [
      'import asks_pattern, asks_pattern_too, typing; print(asks_pattern.Pattern is typing.Pattern)',
      ['asks_pattern', 'asks_pattern_too'],
    ],
  ]
  for (const [what, are] of programs) {
    const script = bench.file('app/main.py', `${shows}${what}\nshows()\n`)
    const { ready } = await bench.assertSame(t, what, [script], { env: ENV })
    t.deepEqual(
      ready.filter((one) => /^(asks|reads|shows|looks)/.test(one)),
      are,
      what,
    )
  }
})

/** Modules that stand in front of others and keep what they were asked for, as cryptography has them. */
const REMEMBERING: Record<string, string> = {
  'wraps/__init__.py': [
    'import sys, types',
    'class Wrapper(types.ModuleType):',
    '    def __init__(self, of):',
    '        super().__init__(of.__name__)',
    '        self.__dict__["of"] = of',
    '    def __getattr__(self, name):',
    '        self.__dict__[name] = value = getattr(self.of, name)',
    '        return value',
    'from . import before',
    'sys.modules[__name__] = Wrapper(sys.modules[__name__])',
  ].join('\n'),
  'wraps/before.py': 'VALUE = 1\n',
  'wraps/after.py': 'VALUE = 2\n',
  'imports_after.py': 'import wraps.after\n',
}

each('a module that keeps what it is asked for is asked by imports alone', async (t, python) => {
  const bench = new WarmBench(t, python)
  await bench.train()
  for (const [name, text] of Object.entries(REMEMBERING)) bench.file(`${bench.inSite}/${name}`, text)
  const { leftOut } = await bench.freezeWarm(['wraps', 'imports_after'], ENV)
  t.deepEqual(leftOut, [])
  const shows =
    'print([*vars(wraps)], [*vars(sys.modules["wraps.before"])], [one for one in sys.modules if "wraps" in one])'
  for (const [what, are] of [
    ['import wraps', ['wraps']],
    ['import wraps.before', ['wraps.before']],
    ['import wraps, imports_after', ['wraps', 'imports_after']],
    ['import wraps.after', ['wraps.after']],
  ] as const) {
    const script = bench.file('app/main.py', `import sys\n${what}\n${shows}\n`)
    const { ready } = await bench.assertSame(t, what, [script], { env: ENV })
    t.deepEqual(
      are.filter((one) => !ready.includes(one)),
      [],
      what,
    )
  }
})

/** Debian's text of requests.packages, which gives what there is of some packages a second name. */
const SECOND_NAMES: Record<string, string> = {
  'requests/__init__.py': 'from . import packages\n',
  'requests/packages.py': [
    'import sys',
    'try:',
    '    import chardet',
    'except ImportError:',
    '    import warnings',
    '    import charset_normalizer as chardet',
    '    warnings.filterwarnings("ignore", "Trying to detect", module="charset_normalizer")',
    'for package in ("urllib3", "idna"):',
    '    locals()[package] = __import__(package)',
    '    for mod in list(sys.modules):',
    '        if mod == package or mod.startswith(f"{package}."):',
    '            sys.modules[f"requests.packages.{mod}"] = sys.modules[mod]',
    'target = chardet.__name__',
    'for mod in list(sys.modules):',
    '    if mod == target or mod.startswith(f"{target}."):',
    '        target = target.replace(target, "chardet")',
    '        sys.modules[f"requests.packages.{target}"] = sys.modules[mod]',
  ].join('\n'),
  'urllib3/__init__.py': 'from . import util\n',
  'urllib3/util.py': 'VALUE = "util"\n',
  'urllib3/later.py': 'VALUE = "later"\n',
  'idna/__init__.py': '',
  'charset_normalizer/__init__.py': 'from . import api\n',
  'charset_normalizer/api.py': '',
  'first.py': 'import urllib3.later, requests\n',
}

each('a package that gives others second names by Debian’s text is ready', async (t, python) => {
  const bench = new WarmBench(t, python)
  await bench.train()
  for (const [name, text] of Object.entries(SECOND_NAMES)) bench.file(`${bench.inSite}/${name}`, text)
  t.deepEqual((await bench.freezeWarm(['requests', 'first'], ENV)).leftOut, [])
  const names =
    'import sys, warnings; print([(n, m.__name__) for n, m in sys.modules.items() if n.partition(".")[0] in ("requests", "urllib3", "idna", "charset_normalizer")], warnings.filters[0])'
  const programs: Record<string, boolean> = {
    '': true,
    'import idna': true,
    'import urllib3.later': false,
    'import first': false,
    'import sys; sys.modules["urllib3.mine"] = sys': false,
  }
  for (const [what, isReady] of Object.entries(programs)) {
    const script = bench.file('app/main.py', `${what}\nimport requests\n${names}\n`)
    const { ready } = await bench.assertSame(t, what, [script], { env: ENV })
    t.is(ready.includes('requests'), isReady, what)
  }
})

/** Generators of random numbers, where modules hold them. */
const GENERATORS: Record<string, string> = {
  'defaults.py':
    'import random\nclass Kind:\n    def roll(self, dice=random.Random(), *, other=random.Random()): return dice.random(), other.random()\ndef roll(): return Kind().roll()\n',
  'classes.py':
    'import random\nclass Kind:\n    dice = random.Random()\n    @staticmethod\n    def roll(dice=random.Random()): return dice.random()\ndef roll(): return Kind.dice.random(), Kind.roll()\n',
  'items.py':
    'import random\nALL = [random.Random()], {"dice": (random.Random(),)}\ndef roll(): return ALL[0][0].random(), ALL[1]["dice"][0].random()\n',
  'instances.py':
    'import random\nclass Kind:\n    __slots__ = ("dice",)\n    def __init__(self): self.dice = random.Random()\nkind = Kind()\ndef roll(): return kind.dice.random()\n',
  'strong.py':
    'import random\nclass Own(random.Random):\n    def seed(self, a=None, version=2): super().seed(a, version)\ndice = Own()\ndef roll(): return dice.random()\n',
}
/** Which draw the same in each start, by what they were given. */
const SEEDED = 'import random\ndice = random.Random(42)\nclass Kind:\n    dice = random.Random(43)\n'
/** What nobody finds, or is of use no more. */
const HIDDEN: Record<string, string> = {
  'closure.py':
    'import random\ndef make():\n    dice = random.Random()\n    return lambda: dice.random()\nroll = make()\n',
  'used.py': 'import random\ndice = random.Random()\nNAME = len(str(dice.random()))\n',
  'set_later.py': 'import random\ndice = random.Random()\ndice.seed(7)\n',
  'beside.py': 'import random\nclass Kind: dice = random.Random()\nONE = [random.Random().random()]\n',
}

each('generators of random numbers draw what nobody knows, wherever they are held', async (t, python) => {
  const bench = new WarmBench(t, python)
  await bench.train()
  const all = { ...GENERATORS, 'seeded.py': SEEDED, ...HIDDEN }
  for (const [name, text] of Object.entries(all)) bench.file(`${bench.inSite}/${name}`, text)
  const names = Object.keys(all).map((name) => name.replace('.py', ''))
  const { leftOut } = await bench.freezeWarm(names, ENV)
  t.deepEqual(leftOut.map(({ name, reason }) => `${name} ${reason}`).sort(), [
    'beside ENTROPY',
    'closure ENTROPY',
    'set_later ENTROPY',
    'used ENTROPY',
  ])
  const fresh = Object.keys(GENERATORS).map((name) => name.replace('.py', ''))
  const program = `import ${fresh.join()}; print([${fresh.map((name) => `${name}.roll()`).join()}])`
  const rolls = [
    await bench.start(['-c', program], { env: ENV }),
    await bench.start(['-c', program], { env: ENV }),
  ]
  const numbers = rolls.flatMap(({ stdout }) => stdout.match(/0\.\d+/g) ?? [])
  t.is(numbers.length, 16)
  t.is(new Set(numbers).size, 16, numbers.join())
  const same = 'import seeded; print(seeded.dice.random(), seeded.Kind.dice.getstate()[1][:3])'
  const script = bench.file('app/main.py', same)
  t.deepEqual((await bench.assertSame(t, 'seeded', [script], { env: ENV })).ready, ['seeded'])
})

each('a module that others try to import in vain is tried again by each program', async (t, python) => {
  const bench = new WarmBench(t, python)
  await bench.train()
  const tries = 'try:\n    from . import broken\nexcept ImportError as error:\n    VALUE = str(error)\n'
  bench.file(`${bench.inSite}/whole/__init__.py`, tries)
  bench.file(`${bench.inSite}/whole/broken.py`, 'import queue, whole.nowhere\n')
  t.deepEqual((await bench.freezeWarm(['whole', 'whole.broken'], ENV)).leftOut, [])
  const program = `import whole; print(whole.VALUE)\ntry: import whole.broken\nexcept ImportError as error: print(error)\n`
  const { ready } = await bench.assertSame(t, 'in vain', [bench.file('app/main.py', program)], { env: ENV })
  t.deepEqual(ready, ['whole'])
})

/** An importer that hands out modules under names of its own, as that of six does. */
const RENAMING: Record<string, string> = {
  'renames.py': [
    'import sys',
    'from importlib.util import spec_from_loader',
    'class Importer:',
    '    known = {"renames.queue": "queue", "renames.colorsys": "colorsys", "renames.sched": "sched", "renames.shlex": "shlex"}',
    '    def find_spec(self, name, path, target=None):',
    '        return spec_from_loader(name, self) if name in self.known else None',
    '    def create_module(self, spec):',
    '        __import__(self.known[spec.name])',
    '        return sys.modules[self.known[spec.name]]',
    '    def exec_module(self, module): pass',
    '__path__ = []',
    'sys.meta_path.append(Importer())',
  ].join('\n'),
  'uses_queue.py': 'import queue, renames.queue\nVALUE = queue is renames.queue\n',
  'uses_other.py': 'import queue\nVALUE = queue.Queue\n',
  // It would have found another one before, or later.
  'reads_spec.py': 'import colorsys\nVALUE = colorsys.__spec__.name\n',
  'keeps_spec.py': 'import sched\nKEPT = [sched.__spec__]\n',
  'shows.py': 'import shlex\nVALUE = len(repr(shlex))\n',
}

each('a module gets its second name, and its other spec, when that is imported', async (t, python) => {
  const bench = new WarmBench(t, python)
  await bench.train()
  for (const [name, text] of Object.entries(RENAMING)) bench.file(`${bench.inSite}/${name}`, text)
  const unfit = ['reads_spec', 'renames.colorsys', 'renames.sched', 'keeps_spec', 'shows', 'renames.shlex']
  const { leftOut } = await bench.freezeWarm(['uses_other', 'uses_queue', ...unfit], ENV)
  t.deepEqual(leftOut.map(({ name, reason, detail }) => [name, reason, detail]).sort(), [
    ['renames.sched', 'CHANGED', 'sched.__spec__'],
  ])
  const specs = (name: string) => [
    'import sys',
    `one = sys.modules.get(${JSON.stringify(name)})`,
    'if one: print(one, one.__spec__, one.__name__, one.__package__, one.__loader__, list(vars(one))[:9])',
    'print([n for n, m in sys.modules.items() if m is one])',
  ]
  const ready = async (name: string, ...program: string[]) => {
    const lines = program.flatMap((line) => [line, ...specs(name)])
    const script = bench.file('app/main.py', lines.join('\n'))
    return (await bench.assertSame(t, program.join(), [script], { env: ENV })).ready
  }
  t.deepEqual(await ready('queue', 'import queue', 'import uses_queue'), ['queue', 'uses_queue'])
  t.deepEqual(await ready('queue', 'import uses_queue', 'import uses_other'), ['uses_queue', 'uses_other'])
  t.deepEqual(await ready('queue', 'import renames.queue'), ['renames.queue'])
  t.deepEqual(await ready('queue', 'import uses_other'), ['uses_other'])
  const other = 'import queue, copy; queue.__spec__ = copy.copy(queue.__spec__); queue.__spec__.mine = 1'
  t.false((await ready('queue', other, 'import uses_queue')).includes('uses_queue'))
  for (const [name, reader] of [
    ['colorsys', 'reads_spec'],
    ['sched', 'keeps_spec'],
    ['shlex', 'shows'],
  ] as const) {
    t.true((await ready(name, `import ${reader}; print(vars(${reader}).get("VALUE"))`)).includes(reader))
    await ready(name, `import renames.${name}`, `import ${reader}; print(vars(${reader}).get("VALUE"))`)
  }
})

/** Starts a worker in the way of its first word, which imports what the program has not. */
const LATE = [
  'import sys, multiprocessing, inspect',
  'def work():',
  '    import json, pkgutil, zipfile; print(sorted(sys.modules.keys() - {"gc", "_pycds"}))',
  'if __name__ == "__main__":',
  '    worker = multiprocessing.get_context(sys.argv[1]).Process(target=work)',
  '    worker.start(); worker.join(); print(worker.exitcode)',
].join('\n')

each('a worker gives itself its own input and directory, and finds everything ready', async (t, python) => {
  const bench = new WarmBench(t, python)
  await bench.train()
  const imports = ['multiprocessing', 'inspect', 'json', 'pkgutil', 'zipfile']
  const parts = ['popen_spawn_posix', 'spawn', 'popen_fork', 'connection', 'resource_tracker']
  const modules = [...imports, ...parts.map((name) => `multiprocessing.${name}`)]
  t.deepEqual((await bench.freezeWarm(modules, ENV)).leftOut, [])
  const script = bench.file('app/main.py', LATE)
  for (const method of ['spawn', 'fork']) {
    const { ready, not } = await bench.assertSame(t, method, [script, method], { env: ENV })
    t.deepEqual(not, [], method)
    t.true(ready.includes('zipfile'), method)
  }
})

/** What makes a program import modules anew that wait for it. */
const ANEW: Record<string, { files?: Record<string, string>; program: string }> = {
  'nothing in the way': { program: '' },
  'a trace function': { program: 'sys.settrace(lambda *a: None)' },
  'a profile function': { program: 'sys.setprofile(lambda *a: None)' },
  'a finder in front': {
    program: 'sys.meta_path.insert(0, type("F", (), {"find_spec": staticmethod(lambda *a: None)}))',
  },
  'a mock': { program: 'sys.modules["queue"] = sys' },
  'a file beside the script': { files: { 'queue.py': 'MINE = 1' }, program: '' },
  'a loader of its own': {
    program:
      'import importlib.util as u; s = u.spec_from_file_location("once", FILE); m = u.module_from_spec(s); print(m.add(), m.add())',
  },
  'another thread': {
    program:
      'import threading; t = threading.Thread(target=lambda: print(__import__("uses").once.add())); t.start(); t.join()',
  },
}

const compiled = unless(missing('cc'), each)
compiled('an extension module that loads once only is as fresh as in any process', async (t, python) => {
  const bench = new WarmBench(t, python)
  await bench.train()
  const file = join(bench.site, 'once.so')
  compile(['-shared', '-fPIC', '-o', file, inRepository('test/fixtures/snapshot/once.c')])
  bench.file(`${bench.inSite}/uses.py`, 'import queue, once\nVALUE = once.__name__\n')
  // Stubs are no modules, and what has no more than them is no package.
  for (const stub of ['once/__init__.pyi', 'uses.pyi']) bench.file(`${bench.inSite}/${stub}`, '')
  t.deepEqual((await bench.freezeWarm(['uses'], ENV)).leftOut, [])
  for (const [what, { files = {}, program }] of Object.entries(ANEW)) {
    const app = what.replaceAll(' ', '-')
    for (const [name, text] of Object.entries(files)) bench.file(`${app}/${name}`, text)
    const lines = [
      'import sys',
      `FILE = ${JSON.stringify(file)}`,
      program,
      'try:',
      '    import uses; print(uses.VALUE, uses.once.add(), uses.queue)',
      'except ImportError as error: print(error)',
      'sys.settrace(None); sys.setprofile(None)',
      'for name in ("uses", "once"): sys.modules.pop(name, None)',
      'try:',
      '    import uses as again; print(again.VALUE, again.once is uses.once)',
      'except ImportError as error: print(error)',
    ]
    const script = bench.file(`${app}/main.py`, lines.join('\n'))
    const { ready } = await bench.assertSame(t, what, [script], { env: ENV })
    t.is(ready.includes('uses'), what === 'nothing in the way', what)
  }
})

compiled('what an extension module may have seen before anybody asked is still so', async (t, python) => {
  const bench = new WarmBench(t, python)
  await bench.train()
  for (const [name, text] of Object.entries(FILLED)) bench.file(`${bench.inSite}/${name}`, text)
  const file = join(bench.site, 'looks_in_c.so')
  compile(['-shared', '-fPIC', '-o', file, inRepository('test/fixtures/snapshot/looks.c')])
  t.deepEqual((await bench.freezeWarm(['looks_in_c', 'asks_first', 'asks_second'], ENV)).leftOut, [])
  for (const [names, are] of [
    ['looks_in_c, asks_first', ['looks_in_c', 'asks_first']],
    ['asks_first, looks_in_c', ['asks_first']],
  ] as const) {
    const { ready } = await bench.assertSame(
      t,
      names,
      ['-c', `import ${names}; print(looks_in_c.told()())`],
      { env: ENV },
    )
    t.deepEqual(ready, [...are], names)
  }
})

compiled('a class that was never made ready is what it is in any process', async (t, python) => {
  const bench = new WarmBench(t, python)
  await bench.train()
  const file = join(bench.site, 'unready.so')
  compile(['-shared', '-fPIC', '-o', file, inRepository('test/fixtures/snapshot/unready.c')])
  bench.file(`${bench.inSite}/uses.py`, 'import unready\n')
  t.deepEqual((await bench.freezeWarm(['uses'], ENV)).leftOut, [])
  const program =
    'import unready; print(type.__dict__["__dict__"].__get__(unready.Unready), unready.Unready.__name__, vars(unready.Unready)); import uses'
  const { ready } = await bench.assertSame(t, 'unready', ['-c', program], { env: ENV })
  t.deepEqual(ready, ['unready', 'uses'])
})

/** Extension modules by what they share; the last is in no snapshot. */
const SHARING: Record<string, readonly string[]> = {
  first: ['alpha'],
  second: ['alpha', 'beta'],
  third: ['beta'],
  late: ['beta', 'alpha'],
}
/** Imports in an order, what a program does before them, and what is ready of them. */
const SHARED: [names: string[], ready: string[], before?: string][] = [
  [
    ['first', 'second', 'third'],
    ['first', 'second', 'third'],
  ],
  [
    ['third', 'first'],
    ['third', 'first'],
  ],
  [['second'], ['second']],
  [
    ['fails', 'third'],
    ['fails', 'third'],
  ],
  [
    ['third', 'fails', 'fails_too'],
    ['third', 'fails', 'fails_too'],
  ],
  [['first', 'late', 'second'], ['first']],
  [['late', 'first', 'fails'], []],
  [['first'], [], 'import types; sys.modules["_shared_1"] = types.ModuleType("_shared_1")'],
  [['second', 'first'], ['second'], 'import second; sys.modules["_shared_1"].alpha = sys'],
  [['second', 'first'], ['second'], 'import second; del sys.modules["_shared_1"]'],
]

compiled('what extension modules share is there from the first of them on', async (t, python) => {
  const bench = new WarmBench(t, python)
  await bench.train()
  for (const [name, types] of Object.entries(SHARING)) {
    const defined = {
      NAME: `"${name}"`,
      INIT: `PyInit_${name}`,
      TYPES: types.map((one) => `"_shared_1.${one}"`).join(),
    }
    const words = Object.entries(defined).map(([key, value]) => `-D${key}=${value}`)
    const file = join(bench.site, `${name}.so`)
    compile(['-shared', '-fPIC', ...words, '-o', file, inRepository('test/fixtures/snapshot/shares.c')])
  }
  const fails = 'import first\ntry: first.fail()\nexcept AttributeError: pass\n'
  for (const name of ['fails', 'fails_too']) bench.file(`${bench.inSite}/${name}.py`, fails)
  const { leftOut } = await bench.freezeWarm(['first', 'second', 'third', 'fails', 'fails_too'], ENV)
  t.deepEqual(leftOut, [])
  const lines = [
    'shared = sys.modules.get("_shared_1")',
    'print([name for name in sys.modules if name not in ("gc", "_pycds")])',
    'print(sorted(vars(shared)), getattr(shared, "failed", None))',
    'made = [sys.modules[name].make() for name in NAMES if "fail" not in name]',
    'print([(type(one).__name__, type(one) is getattr(shared, type(one).__name__)) for one in made])',
  ]
  for (const [i, [names, ready, before = '']] of SHARED.entries()) {
    const look = before.includes('import second') ? lines.slice(0, 2) : lines
    const program = [
      'import sys',
      before,
      `NAMES = ${JSON.stringify(names)}`,
      'for name in NAMES: __import__(name)',
    ]
    const script = bench.file(`app${i}/main.py`, [...program, ...look].join('\n'))
    const told = await bench.assertSame(t, names.join(), [script], { env: ENV })
    t.deepEqual(told.ready, ready, names.join())
  }
})

compiled('modules that C code puts among all come with the one that puts them there', async (t, python) => {
  const bench = new WarmBench(t, python)
  await bench.train()
  const file = bench.file(`${bench.inSite}/puts.so`, '')
  compile(['-shared', '-fPIC', '-o', file, inRepository('test/fixtures/snapshot/puts.c')])
  t.deepEqual((await bench.freezeWarm(['puts', 'types'], ENV)).leftOut, [])
  const names = 'print([name for name in sys.modules if name not in ("gc", "_pycds")])'
  const look = `import sys; print("_puts" in sys.modules); import puts, types; ${names}; import _puts.lib; print(_puts)`
  const script = bench.file('app/main.py', look)
  const { ready } = await bench.assertSame(t, 'put', [script], { env: ENV })
  t.deepEqual(ready, ['puts', 'types'])
})

/** Programs that use a thread which a module starts and which waits elsewhere while others change. */
const WITH_THREADS: Record<string, string> = {
  'it works again': 'import pool; print(pool.ask(), pool.ask())',
  'the rights of all threads change':
    'import os, pool; print(pool.ask()); os.setegid(os.getegid()); print(pool.ask())',
  'a process is forked':
    'import os, pool; print(pool.ask(), flush=True); pid = os.fork(); print(pool.ask(), flush=True); pid and os.waitpid(pid, 0)',
  // SigQ counts those of all processes of a user.
  'the signals of threads are there':
    'import pool; pool.ask(); print([line for line in open("/proc/self/status") if line.startswith(("SigP", "SigB", "SigI", "SigC", "Threads"))])',
}

compiled('threads of a module that end before a fork come back', async (t, python) => {
  const bench = new WarmBench(t, python)
  await bench.train()
  const file = bench.file(`${bench.inSite}/pool.so`, '')
  compile(['-shared', '-fPIC', '-pthread', '-o', file, inRepository('test/fixtures/snapshot/pool.c')])
  t.deepEqual((await bench.freezeWarm(['pool'], ENV)).leftOut, [])
  for (const [what, program] of Object.entries(WITH_THREADS)) {
    const script = bench.file(`${what.replaceAll(' ', '-')}/main.py`, program)
    const { ready } = await bench.assertSame(t, what, [script], { env: ENV })
    t.deepEqual(ready, ['pool'], what)
  }
})

/** Modules that draw random bytes: for hash maps, as Rust does it, or for what may be something else. */
const OF_OPENSSL = 'SAYS="AES for x86_64, CRYPTOGAMS by <appro@openssl.org>"'
const DRAWS: Record<string, string[]> = {
  keys: ['FLAGS=4', 'KEPT=__thread', 'SAYS="maps"'],
  safe: ['FLAGS=0', 'KEPT=__thread', 'SAYS="maps"'],
  hides: ['FLAGS=4', 'KEPT=', 'SAYS="maps"'],
  // A library of cryptography that has drawn nothing for what it is for.
  ciphers: ['FLAGS=4', 'KEPT=__thread', OF_OPENSSL],
  seeds_ciphers: ['FLAGS=4', 'KEPT=__thread', OF_OPENSSL, 'MORE=48'],
  keys_by_number: ['FLAGS=4', 'KEPT=__thread', 'SAYS="maps"', 'DRAW=BY_NUMBER'],
  safe_by_number: ['FLAGS=0', 'KEPT=__thread', 'SAYS="maps"', 'DRAW=BY_NUMBER'],
}

compiled(
  'keys of hash maps are others in each process, and no others are in a snapshot',
  async (t, python) => {
    const bench = new WarmBench(t, python)
    await bench.train()
    for (const [name, defined] of Object.entries(DRAWS)) {
      const file = bench.file(`${bench.inSite}/${name}.so`, '')
      const given = ['DRAW=BY_LIBRARY', 'MORE=0'].filter(
        (one) => !defined.some((other) => other.startsWith(one.slice(0, 5))),
      )
      const macros = [`NAME=${name}`, ...given, ...defined].map((one) => `-D${one}`)
      compile(['-shared', '-fPIC', ...macros, '-o', file, inRepository('test/fixtures/snapshot/keys.c')])
    }
    bench.file(`${bench.inSite}/uses.py`, 'import keys\nVALUE = keys.key_of_first()\n')
    const { leftOut } = await bench.freezeWarm([...Object.keys(DRAWS), 'uses'], ENV)
    t.deepEqual(
      leftOut.map(({ name, reason, because }) => [name, reason, because]),
      [
        ['safe', 'ENTROPY', 'safe'],
        ['hides', 'ENTROPY', 'hides'],
        ['seeds_ciphers', 'ENTROPY', 'seeds_ciphers'],
        ['safe_by_number', 'ENTROPY', 'safe_by_number'],
        ['uses', 'DIFFERS', 'uses'],
      ],
    )
    for (const name of ['keys', 'ciphers', 'keys_by_number']) {
      const script = bench.file('app/main.py', `import ${name} as keys\nprint(keys.key() == keys.key())\n`)
      t.deepEqual((await bench.assertSame(t, name, [script], { env: ENV })).ready, [name])
      const told = async () => {
        const program = `import ${name} as keys; print(keys.key_of_first(), keys.key(), keys.key())`
        const { stdout, snapshot } = await bench.start(['-c', program], { env: ENV })
        t.is(snapshot, 'thawed')
        return stdout.trim().split(' ')
      }
      const [one, other] = [await told(), await told()]
      t.is(one[1], one[2])
      t.is(one[0], other[0])
      t.is(new Set([one[0], one[1], other[1]]).size, 3, `${name} ${one} ${other}`)
    }
  },
)

/** Modules with maps of what is in a directory: each in an order of its own, or in that of the directory. */
const MAPS: Record<string, [step: number, text: string]> = {
  turned: [1, 'MAP = turned.Map([(name, len(name)) for name in os.listdir(json.__path__[0])])'],
  ordered: [0, 'MAP = ordered.Map([(name, len(name)) for name in os.listdir(json.__path__[0])])'],
  // What is in it counts.
  drawn: [1, 'MAP = drawn.Map([("a", 1), ("b", id(object()) // 4096 % 65521)])'],
  kept: [1, 'MAP = kept.Map([(name, 1) for name in os.listdir(json.__path__[0])])\nNAMES = list(MAP)'],
}

compiled('what is in a map without an order is compared, in any order', async (t, python) => {
  const bench = new WarmBench(t, python)
  await bench.train()
  for (const [name, [step, text]] of Object.entries(MAPS)) {
    const file = bench.file(`${bench.inSite}/${name}.so`, '')
    const source = inRepository('test/fixtures/snapshot/maps.c')
    compile(['-shared', '-fPIC', `-DNAME=${name}`, `-DSTEP=${step}`, '-o', file, source])
    bench.file(`${bench.inSite}/has_${name}.py`, `import os, json, ${name}\n${text}\n`)
  }
  const names = Object.keys(MAPS).map((name) => `has_${name}`)
  const { leftOut } = await bench.freezeWarm(names, ENV)
  t.deepEqual(leftOut.map(({ name, reason, detail }) => [name, reason, detail]).sort(), [
    ['has_drawn', 'DIFFERS', 'MAP'],
    ['has_kept', 'DIFFERS', 'NAMES'],
    ['has_ordered', 'DIFFERS', 'MAP'],
  ])
  const program = 'import has_turned; print(sorted(has_turned.MAP.items()), len(has_turned.MAP))'
  const { ready } = await bench.assertSame(t, 'turned', ['-c', program], { env: ENV })
  t.deepEqual(ready, ['has_turned'])
})

compiled(
  'a library whose symbols all others see shows them when its module is imported',
  async (t, python) => {
    const bench = new WarmBench(t, python)
    await bench.train()
    const library = join(bench.site, 'shows.lib')
    compile(['-shared', '-fPIC', '-o', library, inRepository('test/fixtures/snapshot/shows.c')])
    const path = JSON.stringify(library)
    bench.file(
      `${bench.inSite}/shows.py`,
      `import ctypes, queue\nLIBRARY = ctypes.CDLL(${path}, ctypes.RTLD_GLOBAL)\n`,
    )
    t.deepEqual((await bench.freezeWarm(['shows'], ENV)).leftOut, [])
    const lines = [
      'import ctypes',
      'def count():',
      '    try: return ctypes.CDLL(None).pycds_count()',
      '    except AttributeError: return None',
      'print(count()); import shows; print(count(), count(), shows.LIBRARY.pycds_count())',
    ]
    const own = `import ctypes; ctypes.CDLL(${path}, ctypes.RTLD_GLOBAL)`
    const files: Record<string, string[]> = { ready: lines, own: [own, ...lines], dropped: lines }
    for (const [what, program] of Object.entries(files)) {
      if (what === 'dropped') bench.file(`${what}/queue.py`, 'MINE = 1\n')
      const script = bench.file(`${what}/main.py`, program.join('\n'))
      const { ready } = await bench.assertSame(t, what, [script], { env: ENV })
      t.is(ready.includes('shows'), what !== 'dropped', what)
    }
  },
)

each('nothing of training, and no variable, is in a snapshot', async (t, python) => {
  const bench = new WarmBench(t, python)
  const canary = (name: string) => `canary-${name}-${randomBytes(12).toString('hex')}`
  const [argument, variable, text, mode, unread] = ['argument', 'variable', 'file', 'mode', 'unread'].map(
    canary,
  )
  const path = bench.file('secret.txt', `${text}`)
  const program = 'import json, os, sys; open(sys.argv[1]).read(); os.environ["KEY"]'
  await bench.train(program, [path, `${argument}`], { KEY: variable })
  for (const [name, body] of Object.entries(GIVERS)) bench.file(`${bench.inSite}/${name}`, body)
  const env = { ...ENV, MODE: mode, UNREAD: unread }
  const { record } = await bench.freezeWarm(['silent', 'json', 'logging'], env)
  const files = [
    readFileSync(bench.snapshot),
    readFileSync(bench.archive),
    Buffer.from(JSON.stringify(record)),
  ]
  for (const value of [argument, variable, text, mode, unread])
    t.deepEqual(
      files.map((file) => file.includes(`${value}`)),
      [false, false, false],
      value,
    )
  const script = bench.file('app/main.py', 'import silent; print(silent.FLAG)\n')
  t.deepEqual((await bench.assertSame(t, 'the same', [script], { env })).not, [])
  const other = await bench.assertSame(t, 'another', [script], { env: { ...env, MODE: 'x' } })
  t.deepEqual(other.not, ['silent'])
  const told = async (how: Record<string, string>) => {
    const set = { ...env, MODE: 'unseen', PYCDS_SNAPSHOT: bench.snapshot, ...how }
    return (await bench.startRaw([script], { env: set })).stderr
  }
  const log = await told({ PYCDS_LOG: '1' })
  t.regex(log, /: not ready silent: silent: a variable differs that it read: MODE$/m)
  const report = await told({ PYCDS: 'report' })
  t.regex(
    report,
    /: \d+ of \d+ import statements did not find their modules ready \(PYCDS_LOG=1 tells why\)$/m,
  )
  t.notRegex(log + report, /unseen/)
})

each('what was replaced is named', async (t, python) => {
  const bench = new WarmBench(t, python)
  await bench.train()
  bench.file(
    `${bench.inSite}/one.py`,
    'FIRST = object()\nclass Kind:\n    def method(self): pass\nLAST = 1\n',
  )
  bench.file(`${bench.inSite}/two.py`, 'import one, time\n')
  t.deepEqual((await bench.freezeWarm(['two'])).leftOut, [])
  const cases: [program: string, told: string][] = [
    ['import one; one.FIRST = object()', 'one: something in it was replaced: FIRST'],
    ['import one; one.LAST = 2', 'one: something in it was replaced: LAST'],
    ['import one; one.Kind.method = None', 'one: something in it was replaced: method'],
    ['import one; one.Kind.further = None', 'one: something in it was replaced: further'],
    ['import one; del one.Kind', 'one: something in it was replaced'],
    ['import time; time.sleep = print', 'time: something in it was replaced: sleep'],
  ]
  for (const [program, told] of cases) {
    const env = { PYCDS_SNAPSHOT: bench.snapshot, PYCDS_LOG: '1' }
    const { stderr } = await bench.startRaw(['-c', `${program}; import two`], { env })
    t.regex(stderr, new RegExp(`: not ready two: ${told}$`, 'm'), program)
  }
})

/** What a program puts in the place of what a module had, which another one takes over as it is imported. */
const EQUALS = [
  'TEXT = "".join("ab")',
  'WHOLE = -1',
  'HALF = 0.5 * 1',
  'ZONE = tuple(["UT" + "C", "UTC"])',
  'TIMES = (-1, 0.0)',
]
const OTHERS = [
  ...[
    'TEXT = "ac"',
    'TEXT = b"ab"',
    'WHOLE = -2',
    'WHOLE = -1.0',
    'WHOLE = 2 ** 61 - 2',
    'HALF = -0.5',
    'HALF = 2 ** -2',
  ],
  ...['ZERO = -0.0', 'ZERO = 0', 'ONE = True', 'ONE = 1.0', 'ONE = 2 ** 61', 'HUGE = 2 ** 61'],
  ...[
    'ZONE = ("CET", "CEST")',
    'ZONE = ["UTC", "UTC"]',
    'TIMES = (-2, 0.0)',
    'TIMES = (-1, -0.0)',
    'TIMES = (-1, 0)',
  ],
]

each('what was replaced by its equal is as it was, and by nothing else', async (t, python) => {
  const bench = new WarmBench(t, python)
  await bench.train()
  const values =
    'TEXT, WHOLE, HALF, ZERO, ONE = "ab", -1, 0.5, 0.0, 1\nHUGE, ZONE, TIMES = 2 ** 122, ("UTC", "UTC"), (-1, 0.0)'
  bench.file(`${bench.inSite}/one.py`, `${values}\n`)
  bench.file(`${bench.inSite}/two.py`, 'from one import *\nimport time\n')
  t.deepEqual((await bench.freezeWarm(['two'])).leftOut, [])
  const cases = [...EQUALS.map((set) => [set, true] as const), ...OTHERS.map((set) => [set, false] as const)]
  for (const [at, [set, isReady]] of cases.entries()) {
    const lines = [
      'import one',
      `one.${set}`,
      'import two',
      'print({k: v for k, v in vars(two).items() if k.isupper()})',
    ]
    const script = bench.file(`case${at}/main.py`, lines.join('\n'))
    const { ready } = await bench.assertSame(t, set, [script])
    t.is(ready.includes('two'), isReady, set)
  }
  const zone = ['import os, time', 'os.environ["TZ"] = "UTC"', 'time.tzset()', 'import two']
  const { ready } = await bench.assertSame(t, 'zone', [bench.file('zone/main.py', zone.join('\n'))])
  t.deepEqual(ready, ['two'])
})

/** Memory of zeros that a process writes to. */
const ZERO_KIND = 1
const WRITABLE = 3
/** The start of a process, and what it makes first. */
const MOST_ZEROS = 16 << 20

each('filling what is free makes no room that has to be filled', async (t, python) => {
  const bench = new WarmBench(t, python)
  await bench.train()
  await bench.freezeWarm(['json', 'decimal'])
  const zeros = regionsOf(readFileSync(bench.snapshot)).filter(
    ({ kind, protection }) => kind === ZERO_KIND && protection === WRITABLE,
  )
  const bytes = zeros.reduce((sum, one) => sum + Number(one.bytes), 0)
  t.true(bytes < MOST_ZEROS, `${bytes}`)
})

/** Ways in which what a dictionary has is changed, of which each has code of its own in the interpreter. */
const CHANGES: Record<string, readonly [lines: readonly string[], told: string]> = {
  attribute: [['def put(value): one.FIRST = value', 'for _ in range(99): put(one.FIRST)', 'put(1)'], 'FIRST'],
  global: [['exec("FIRST = 1", vars(one))'], 'FIRST'],
  function: [['one.put(one.SET)', 'for _ in range(99): one.put(one.SET)', 'one.put(print)'], 'SET'],
  item: [['vars(one)["FIRST"] = 1'], 'FIRST'],
  'all items': [['vars(one).update(FIRST=1)'], 'FIRST'],
  union: [['names = vars(one)', 'names |= {"FIRST": 1}'], 'FIRST'],
  'an item less': [['vars(one)["FIRST"] = vars(one).pop("FIRST")'], ''],
  class: [
    ['def put(value): one.Kind.method = value', 'for _ in range(99): put(one.Kind.method)', 'put(1)'],
    'method',
  ],
}
/** Which leave what was there. */
const CHANGED_BACK = [
  ['kept = one.FIRST', 'one.FIRST = 1', 'one.FIRST = kept'],
  ['one.added = 1', 'one.added = 2'],
  ['kept = one.Kind.method', 'one.Kind.method = 1', 'one.Kind.method = kept'],
]
const CHANGED_MODULE = [
  'FIRST = object()',
  'SET = len',
  'def put(value):',
  '    global SET',
  '    SET = value',
  'class Kind:',
  '    def method(self): pass',
]

each('what was replaced is noticed however it was done, also in a later statement', async (t, python) => {
  const bench = new WarmBench(t, python)
  await bench.train()
  bench.file(`${bench.inSite}/one.py`, CHANGED_MODULE.join('\n'))
  for (const name of ['two', 'three']) bench.file(`${bench.inSite}/${name}.py`, 'import one\n')
  t.deepEqual((await bench.freezeWarm(['two', 'three'])).leftOut, [])
  const notReady = async (lines: readonly string[]) => {
    const program = ['import one', 'import two', ...lines, 'import three'].join('\n')
    const env = { PYCDS_SNAPSHOT: bench.snapshot, PYCDS_LOG: '1' }
    const { stderr } = await bench.startRaw(['-c', program], { env })
    t.regex(stderr, /: ready two: /, program)
    return /: not ready (.*)$/m.exec(stderr)?.[1]
  }
  for (const [what, [lines, told]] of Object.entries(CHANGES)) {
    const name = told === '' ? '' : `: ${told}`
    t.is(await notReady(lines), `three: one: something in it was replaced${name}`, what)
  }
  for (const lines of CHANGED_BACK) t.is(await notReady(lines), undefined, lines.join('; '))
})

const all = TIER === 'all' ? each : () => undefined

all('other surroundings lead to what they would have led to', async (t, python) => {
  const bench = await packaged(t, python)
  const program =
    'import sys, os, time, top, reads; print(top.VALUE, reads.VALUE, time.tzname, sys.path, sys.flags)'
  const script = bench.file('app/main.py', program)
  const surroundings: [env: StartOptions['env'], snapshot: string][] = [
    [{ HOME: '/elsewhere' }, 'ENVIRONMENT'],
    [{ TZ: 'Asia/Tokyo' }, 'ENVIRONMENT'],
    [{ LANG: 'C' }, 'ENVIRONMENT'],
    [{ PYTHONPATH: bench.directory }, 'ENVIRONMENT'],
    [{ OMP_NUM_THREADS: '1', HOSTNAME: 'other' }, 'thawed'],
  ]
  for (const [env, snapshot] of surroundings)
    await bench.assertSame(t, JSON.stringify(env), [script], { env: { ...ENV, ...env } }, snapshot)
})

const ANOTHER_USER = ['setpriv', '--reuid', '12345', '--clear-groups']
for (const python of TIER === 'all' ? pythons : []) {
  // In a home directory it is not found, or takes the library of another one.
  const library = (...words: string[]) =>
    String(spawnSync('env', [...words, python.path, '-c', 'import os; print(os.__file__)']).stdout)
  const may = library(...ANOTHER_USER) === library()
  const declare = unless(notRoot ?? (may ? undefined : 'only root may start this one'), testInTurn)
  declare(`${python.version}: modules are ready for another user`, async (t) => {
    const bench = await packaged(t, python)
    const script = bench.file('app/main.py', 'import sys, os, top; print(top.VALUE, sys.path, sys.flags)')
    chmodSync(bench.directory, 0o755)
    await bench.assertSame(t, 'another user', [script], { env: ENV, through: ANOTHER_USER })
  })
}

/** Applications of packages that are not of the standard library; what they print is the same each time. */
const APPLICATIONS: Record<string, string> = {
  flask: [
    'import flask',
    'app = flask.Flask("app")',
    'app.add_url_rule("/<name>", view_func=lambda name: flask.jsonify(name=name, q=flask.request.args["q"]), endpoint="x")',
    'print(app.test_client().get("/me?q=1").get_data(as_text=True), app.url_map)',
  ].join('\n'),
  boto3:
    'import boto3; print(boto3.client("s3", region_name="eu-west-1", aws_access_key_id="a", aws_secret_access_key="b").generate_presigned_url("get_object", Params={"Bucket": "b", "Key": "k"})[:40])',
  sqlalchemy: [
    'import sqlalchemy as sa',
    'engine = sa.create_engine("sqlite://")',
    'with engine.begin() as c: print(c.execute(sa.text("select 1 + 1")).scalar(), sa.select(sa.literal(1)))',
  ].join('\n'),
  numpy:
    'import numpy as np; print(np.arange(12).reshape(3, 4) @ np.ones((4, 2)), np.linalg.inv(np.eye(3)), np.fft.fft([1, 0]))',
  pandas:
    'import pandas as pd; print(pd.DataFrame({"a": [1, 2, 1], "b": [3, 4, 5]}).groupby("a").sum(), pd.Timestamp("2026-01-02"))',
  requests:
    'import requests; print(requests.Request("GET", "http://a.b/c", params={"d": "e"}).prepare().url, requests.Session().headers)',
}

/** What makes the threads of a library come back. */
const USE: Record<string, string> = {
  numpy: 'numpy = sys.modules["numpy"]; numpy.ones((512, 512)) @ numpy.ones((512, 512))',
  pandas: 'numpy = sys.modules["numpy"]; numpy.ones((512, 512)) @ numpy.ones((512, 512))',
}

all('applications answer as ever', async (t, python) => {
  for (const [name, program] of Object.entries(APPLICATIONS)) {
    const bench = new WarmBench(t, python)
    const got = await bench.install(name)
    if (!got) {
      t.log(`${python.version}: ${name} cannot be had`)
      continue
    }
    await bench.train(program)
    const { leftOut } = await bench.freezeWarm([name], ENV)
    const causes = leftOut.filter((one) => one.name === one.because)
    t.log(
      `${python.version}: ${name}: left out`,
      causes.map((one) => `${one.name} ${one.reason} ${one.detail}`),
    )
    const state = bench.file('warm.py', PROGRAM)
    await bench.assertSame(t, name, [bench.file('app/main.py', program)], { env: ENV })
    const env = { ...ENV, USE: USE[name] ?? '' }
    await bench.assertSame(t, `${name}: what is there`, [state, name], { env })
  }
})

const c = (call: string) => `import ctypes; ctypes.CDLL(None).${call}`

/** What an import must not do, by the reason for which its module is left out. */
const FAULTY: Record<string, [program: string, reason: string]> = {
  prints: ['print("hello")', 'PRINTED'],
  writes: ['import os; os.write(2, b"x")', 'PRINTED'],
  // In the name of whoever imports what imports it, which is the program.
  warns: ['import warnings; warnings.warn("old", DeprecationWarning, 3)', 'WARNED'],
  warns_caught: [
    'import warnings\nwith warnings.catch_warnings(record=True): warnings.warn("shown elsewhere")',
    'WARNED',
  ],
  // In the name of nobody, so of all that do it the first alone leaves a trace by itself.
  deprecates: ['import warnings; warnings.warn("old", DeprecationWarning, 99)', 'WARNED'],
  deprecates_too: ['import warnings; warnings.warn("older", DeprecationWarning, 99)', 'WARNED'],
  threads: [
    'import threading; threading.Thread(target=threading.Event().wait, daemon=True).start()',
    'THREAD',
  ],
  opens: ['import os; kept = open(os.__file__)', 'DESCRIPTOR'],
  handles: ['import signal; signal.signal(signal.SIGUSR1, signal.SIG_IGN)', 'SIGNAL'],
  masks: ['import os; os.umask(0o77)', 'UMASK'],
  limits: [
    'import resource; resource.setrlimit(resource.RLIMIT_CORE, (0, 0)); resource.setrlimit(resource.RLIMIT_NPROC, (500, 500))',
    'LIMIT',
  ],
  moves: ['import os; os.chdir("/")', 'DIRECTORY'],
  sets: ['import os; os.environ["PATH"] = "/observed"', 'VARIABLES'],
  copies: ['import os; all = dict(os.environ)', 'ENVIRONMENT'],
  draws: ['import os; key = os.urandom(8)', 'ENTROPY'],
  clocks: ['import time; now = time.time()', 'TIME'],
  pids: ['import os; pid = os.getpid()', 'PID'],
  hosts: ['import socket; host = socket.gethostname()', 'HOST'],
  connects: ['import socket; kept = socket.socket()', 'SOCKET'],
  looks: ['text = open("/proc/self/stat").read()', 'OUTSIDE'],
  lists: ['import os; names = os.listdir("/etc")', 'LISTED'],
  lists_here: ['import os; names = os.listdir()', 'LISTED'],
  runs: ['import os; os.system("true")', 'PROCESS'],
  patches: ['import json; json.dumps = None', 'CHANGED'],
  audits: ['import sys; sys.addaudithook(lambda *a: None)', 'HOOK'],
  traces: ['import sys; sys.settrace(None)', 'TRACE'],
  recurses: ['import sys; sys.setrecursionlimit(2000)', 'INTERPRETER'],
  encodes: ['import codecs; kept = codecs.lookup("punycode")', 'CODEC'],
  counts: ['import sys; names = [name for name in list(sys.modules)]', 'MODULES'],
  derives: ['names = [one.__name__ for one in Exception.__subclasses__()]', 'CLASSES'],
  derives_abstract: ['import collections.abc; names = collections.abc.Sized.__subclasses__()', 'CLASSES'],
  derives_unnamed: [
    'import json; kept = [type("Local", (json.JSONEncoder,), {})]; names = json.JSONEncoder.__subclasses__()',
    'CLASSES',
  ],
  removes: ['import sys, json; del sys.modules["json.encoder"]', 'REMOVED'],
  // ---- of the kernel ----
  priority: ['import os; os.nice(1)', 'PROPERTY'],
  scheduler: ['import os; os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))', 'PROPERTY'],
  timer: ['import signal; signal.setitimer(signal.ITIMER_VIRTUAL, 1000)', 'PROPERTY'],
  alarm: ['import signal; signal.alarm(1000)', 'PROPERTY'],
  parent_death: [c('prctl(1, 10, 0, 0, 0)'), 'PROPERTY'],
  subreaper: [c('prctl(36, 1, 0, 0, 0)'), 'PROPERTY'],
  privileges: [c('prctl(38, 1, 0, 0, 0)'), 'PROPERTY'],
  slack: [c('prctl(29, 77777, 0, 0, 0)'), 'PROPERTY'],
  keeps: [c('prctl(8, 1, 0, 0, 0)'), 'PROPERTY'],
  huge_pages: [c('prctl(41, 1, 0, 0, 0)'), 'PROPERTY'],
  name: [c('prctl(15, b"observed", 0, 0, 0)'), 'PROPERTY'],
  group: ['import os; os.setpgid(0, 0)', 'PROPERTY'],
  personality: [c('personality(0x0200000)'), 'PROPERTY'],
  posix_timer: [
    'import ctypes; made = ctypes.c_void_p(); event = (ctypes.c_int * 16)(0, 0, 0, 1); ctypes.CDLL(None).timer_create(1, event, ctypes.byref(made))',
    'PROPERTY',
  ],
  // ---- of the C library ----
  localises: ['import locale; locale.setlocale(locale.LC_ALL, "C")', 'C_LIBRARY'],
  rounding: [c('fesetround(0x400)'), 'C_LIBRARY'],
  denormals: [
    'import ctypes; libc = ctypes.CDLL("libm.so.6"); kept = (ctypes.c_uint32 * 8)(); libc.fegetenv(kept); kept[7] |= 0x8040; libc.fesetenv(kept)',
    'C_LIBRARY',
  ],
  variable: [c('unsetenv(b"LANG")'), 'VARIABLES'],
  // Whoever has the text can change it.
  variable_kept: [
    'import ctypes; kept = ctypes.create_string_buffer(b"OBSERVED=1"); ctypes.CDLL(None).putenv(kept)',
    'VARIABLES',
  ],
  rand: [c('srand(7)'), 'C_LIBRARY'],
  // ---- of the interpreter ----
  stack_size: ['import threading; threading.stack_size(1 << 20)', 'SURROUNDINGS'],
  digits: ['import sys; sys.set_int_max_str_digits(5000)', 'INTERPRETER'],
  generators: ['import sys; sys.set_asyncgen_hooks(firstiter=print)', 'INTERPRETER'],
  origins: ['import sys; sys.set_coroutine_origin_tracking_depth(3)', 'INTERPRETER'],
  threshold: ['import gc; gc.set_threshold(500, 5, 5)', 'INTERPRETER'],
  collector: ['import gc; gc.disable()', 'INTERPRETER'],
  collector_debug: ['import gc; gc.set_debug(gc.DEBUG_UNCOLLECTABLE)', 'INTERPRETER'],
  traced_memory: ['import tracemalloc; tracemalloc.start()', 'INTERPRETER'],
  faults: ['import faulthandler; faulthandler.enable()', 'SIGNAL'],
  context: [
    'import contextvars; VARIABLE = contextvars.ContextVar("observed"); VARIABLE.set(1)',
    'INTERPRETER',
  ],
  excepthook: ['import sys; sys.excepthook = print', 'CHANGED'],
  displayhook: ['import sys; sys.displayhook = print', 'CHANGED'],
  unraisablehook: ['import sys; sys.unraisablehook = print', 'CHANGED'],
  breakpointhook: ['import sys; sys.breakpointhook = print', 'CHANGED'],
  path: ['import sys; sys.path.append("/observed")', 'INTERPRETER'],
  bytecode: ['import sys; sys.dont_write_bytecode = True', 'INTERPRETER'],
  stdout_replaced: [
    'import sys, io; sys.stdout = io.TextIOWrapper(sys.stdout.buffer, encoding="utf-8")',
    'INTERPRETER',
  ],
  stdout_configured: [
    'import sys; sys.stdout.reconfigure(line_buffering=True, errors="backslashreplace")',
    'INTERPRETER',
  ],
  error_handler: ['import codecs; codecs.register_error("strict", codecs.ignore_errors)', 'INTERPRETER'],
  codec: [
    'import codecs; codecs.register(lambda name: codecs.lookup("utf-8") if name == "observed" else None)',
    'INTERPRETER',
  ],
  switch: ['import sys; sys.setswitchinterval(0.5)', 'INTERPRETER'],
  // ---- of the standard library ----
  csv_limit: ['import csv; csv.field_size_limit(7)', 'CHANGED'],
  timeout: ['import socket; socket.setdefaulttimeout(5)', 'CHANGED'],
  configures: ['import logging; logging.basicConfig(level=5)', 'CHANGED'],
  logging_disabled: ['import logging; logging.disable(5)', 'CHANGED'],
  logging_class: [
    'import logging; logging.setLoggerClass(type("Observed", (logging.Logger,), {}))',
    'CHANGED',
  ],
  logging_warnings: ['import logging; logging.captureWarnings(True)', 'CHANGED'],
}

each('what a snapshot cannot hold is left out, with what imports it, and the reason', async (t, python) => {
  const bench = new WarmBench(t, python)
  await bench.train()
  const faulty = Object.keys(FAULTY)
  for (const [name, [program]] of Object.entries(FAULTY)) {
    bench.file(`${bench.inSite}/${name}.py`, `${program}\n`)
    bench.file(`${bench.inSite}/uses_${name}.py`, `import ${name}\n`)
  }
  bench.file(`${bench.inSite}/innocent.py`, 'VALUE = 1\n')
  // Together they are quicker; one at a time nothing but the module itself can be what is found.
  for (const names of TIER === 'all' ? faulty.map((name) => [name]) : [faulty]) {
    const wanted = [...names.map((name) => `uses_${name}`), 'innocent']
    const judged = blame(await bench.watch(wanted), wanted)
    t.deepEqual(judged.names, ['innocent'], names.join())
    for (const name of names) {
      const [, reason] = FAULTY[name] ?? []
      t.deepEqual(
        judged.leftOut
          .filter((one) => one.because === name)
          .map((one) => [one.name, one.reason, one.because]),
        [name, `uses_${name}`].map((one) => [one, reason, name]),
        JSON.stringify(judged.leftOut),
      )
    }
  }
})

/** Modules that look lines of files up: their own, that of whoever imports them, and those of all that are importing. */
const LINES: Record<string, string> = {
  'own_line.py': 'import traceback\nLINE = traceback.extract_stack(limit=1)[0].line\n',
  'other_line.py': 'import linecache, colorsys\nLINE = linecache.getline(colorsys.__file__, 1)\n',
  'twice/__init__.py': 'from . import user\n',
  'twice/user.py': 'import twice.own\n',
  'twice/own.py': 'import traceback\nLINE = traceback.extract_stack(limit=1)[0].line\n',
  'importers_line.py':
    'import sys, traceback\nLINES = [one.line for one in traceback.extract_stack(limit=7)]\n',
  'imports.py': 'import importers_line\n',
  // Not under the same name in two processes.
  'makes_line.py':
    'import linecache\nclass Class: pass\nlinecache.cache[f"<{id(Class) // 4096 % 65521}>"] = (1, None, ["line"], "lines")\n',
  'all_lines.py': 'import traceback\nCOUNT = len([one.line for one in traceback.extract_stack()])\n',
}

each('lines of files that an import reads are known as they would be', async (t, python) => {
  const bench = new WarmBench(t, python)
  await bench.train()
  for (const [name, text] of Object.entries(LINES)) bench.file(`${bench.inSite}/${name}`, text)
  const own = join(bench.site, 'own_line.py')
  utimesSync(own, 1_700_000_000, 1_700_000_000)
  const { leftOut } = await bench.freezeWarm(
    ['own_line', 'other_line', 'twice.own', 'imports', 'makes_line', 'all_lines'],
    ENV,
  )
  t.deepEqual(
    leftOut.filter(({ name, because }) => name === because).map(({ name, reason }) => [name, reason]),
    [
      ['importers_line', 'MAIN'],
      ['makes_line', 'DIFFERS'],
      ['all_lines', 'MAIN'],
    ],
  )
  const ready = async (what: string, program: string) => {
    const lines = [
      'import sys, linecache',
      program,
      'import own_line, other_line, twice.own, imports, all_lines',
      'print(list(linecache.cache), [one[:2] + one[3:] for one in linecache.cache.values() if len(one) == 4])',
      'print(own_line.LINE, other_line.LINE, linecache.getline(own_line.__file__, 2), own_line.__file__ in linecache.cache)',
    ]
    const script = bench.file('app/lines.py', lines.join('\n'))
    const { ready } = await bench.assertSame(t, what, [script], { env: ENV })
    return ready.filter((name) => `${name.replace('.', '/')}.py` in LINES)
  }
  t.deepEqual(await ready('nothing in the way', ''), ['own_line', 'other_line', 'twice.own'])
  t.deepEqual(await ready('lines that are known', `linecache.getline(${JSON.stringify(own)}, 1)`), [
    'other_line',
    'twice.own',
  ])
  // The bytecode is as good as before.
  utimesSync(own, 1_700_000_000.5, 1_700_000_000.5)
  t.deepEqual(await ready('another time', ''), ['other_line', 'twice.own'])
})

/** As pydantic does it: a function is asked while others are imported, and remembers what it has imported itself. */
const REMEMBERS: Record<string, string> = {
  'remembers.py': [
    'import functools',
    '@functools.lru_cache(maxsize=None)',
    'def base():',
    '    import models; return models.Base',
    '@functools.lru_cache',
    'def pair(): return [{"base": base()}]',
    'class Kind:',
    '    @staticmethod',
    '    @functools.lru_cache(maxsize=3)',
    '    def kind(): return type(base()())',
  ].join('\n'),
  'models.py': [
    'import queue, remembers',
    'class Base: pass',
    'class Derived(Base): pass',
    'assert issubclass(Derived, remembers.base()) and issubclass(Derived, remembers.Kind.kind()), "another base"',
    'VALUE = remembers.pair()',
  ].join('\n'),
}

each('what functions remember of a module is not held when that is imported anew', async (t, python) => {
  const bench = new WarmBench(t, python)
  await bench.train()
  for (const [name, text] of Object.entries(REMEMBERS)) bench.file(`${bench.inSite}/${name}`, text)
  t.deepEqual((await bench.freezeWarm(['models'], ENV)).leftOut, [])
  const program =
    'import models, remembers; print(remembers.base() is models.Base, remembers.base.cache_info())'
  const ready = async (directory: string) => {
    const script = bench.file(`${directory}/main.py`, program)
    return (await bench.assertSame(t, directory, [script], { env: ENV })).ready
  }
  t.deepEqual(await ready('held'), ['models'])
  bench.file('anew/queue.py', 'MINE = 1\n')
  t.false((await ready('anew')).includes('remembers'))
})

/** As PyTorch does it: for a message, should the device turn out to be none. */
const KEEPS_STACK: Record<string, string> = {
  'torch/__init__.py': 'VALUE = 1\nfrom torch import cuda\n',
  'torch/cuda/__init__.py':
    'import traceback\n_queued_calls = []\n_queued_calls.append((print, traceback.format_stack()))\n',
  'uses_torch.py': 'import torch\n',
}
const SHOW_STACK =
  'import linecache; print(sys.modules["torch.cuda"]._queued_calls, list(linecache.cache), sep="\\n")'

each('a stack that PyTorch keeps is that of the program', async (t, python) => {
  const bench = new WarmBench(t, python)
  await bench.train()
  for (const [name, text] of Object.entries(KEEPS_STACK)) bench.file(`${bench.inSite}/${name}`, text)
  t.deepEqual((await bench.freezeWarm(['torch', 'uses_torch'], ENV)).leftOut, [])
  const ready = async (what: string, program: string) => {
    const script = bench.file('app/stack.py', `import sys\n${program}\n${SHOW_STACK}\n`)
    return (await bench.assertSame(t, what, [script], { env: ENV })).ready
  }
  t.true((await ready('directly', 'import torch')).includes('torch'))
  t.true(
    (await ready('in a function', 'def function():\n    from torch import VALUE\nfunction()')).includes(
      'torch',
    ),
  )
  t.false((await ready('by another', 'import uses_torch')).includes('uses_torch'))
  t.false((await ready('by name', 'import importlib; importlib.import_module("torch")')).includes('torch'))
})

const CLASSES = Array.from({ length: 12 }, (_, i) => `Class${i}`)

each('what goes by the order of a set is no difference, other contents are', async (t, python) => {
  const bench = new WarmBench(t, python)
  await bench.train()
  const defined = `${CLASSES.map((name) => `class ${name}: pass\n`).join('')}ALL = {${CLASSES.join()}}\n`
  const modules = {
    by_address: `${defined}NAMES = [one.__name__ for one in ALL]\nPLACES = {name: i for i, name in enumerate(NAMES)}\n`,
    by_text: 'NAMES = {"alpha", "beta", "gamma", "delta", "epsilon"}\nTEXT = "|".join(NAMES)\n',
    by_number: `${defined}NUMBER = id(Class0) // 4096 % 65521\n`,
    // Of a directory that is not there comes no order; of another it may have come.
    after_nothing: `import os\ntry: os.listdir(__file__ + ".parts")\nexcept OSError: pass\n${defined}NAMES = [one.__name__ for one in ALL]\n`,
    after_listing: `import os, json\nos.listdir(json.__path__[0])\n${defined}NAMES = [one.__name__ for one in ALL]\n`,
    // What an object says of itself that shows nobody what it holds.
    by_repr: `import collections\n${defined}NAMES = collections.deque([one.__name__ for one in ALL])\n`,
    by_repr_of_number: `import collections\nclass Class0: pass\nNUMBERS = collections.deque([id(Class0) // 4096 % 65521])\n`,
    // As SQLAlchemy knows its symbols.
    by_id_in_set: 'class Class0: pass\nNUMBERS = frozenset([id(Class0), (1, id(int)), (id(type), "type")])\n',
    // As pydantic names classes.
    by_id: 'class Class0: pass\nTEXT = f"Class0:{id(Class0)}"\nTEXTS = {TEXT, f"{id(int)}"}\n',
    by_id_of_other:
      'class Class0: pass\nclass Class1: pass\nTEXT = f"Class:{max(id(Class0), id(Class1)) + 8}"\n',
    by_id_of_freed: 'TEXT = f"object:{id([[]])}"\n',
  }
  for (const [name, text] of Object.entries(modules)) bench.file(`${bench.inSite}/${name}.py`, text)
  // Equal sets of texts are in the order in which they were made: from a source, and otherwise from its bytecode.
  const env = { PYTHONDONTWRITEBYTECODE: '1' }
  const { leftOut } = await bench.freezeWarm(Object.keys(modules), env)
  t.deepEqual(leftOut.map(({ name, reason, detail }) => [name, reason, detail]).sort(), [
    ['after_listing', 'DIFFERS', 'NAMES'],
    ['by_id_of_freed', 'DIFFERS', 'TEXT'],
    ['by_id_of_other', 'DIFFERS', 'TEXT'],
    ['by_number', 'DIFFERS', 'NUMBER'],
    ['by_repr_of_number', 'DIFFERS', 'NUMBERS'],
  ])
  const program = [
    'import by_id, by_id_in_set, by_repr, after_nothing',
    'print(by_id_in_set.NUMBERS == {id(by_id_in_set.Class0), (1, id(int)), (id(type), "type")})',
    'print(by_id.TEXT == f"Class0:{id(by_id.Class0)}", by_id.TEXTS == {by_id.TEXT, str(id(int))})',
    'print(sorted(after_nothing.NAMES))',
    'print(sorted(by_repr.NAMES), list(by_repr.NAMES) == [one.__name__ for one in by_repr.ALL])',
  ]
  const script = bench.file('app/main.py', program.join('\n'))
  const { ready } = await bench.assertSame(t, 'by id', [script], { env })
  t.deepEqual(ready, ['by_id', 'by_id_in_set', 'by_repr', 'after_nothing'])
})

each('a template in which nobody sees what the C library is asked is none', async (t, python) => {
  const bench = new WarmBench(t, python)
  await bench.train()
  await t.throwsAsync(bench.watch(['random'], { LD_PRELOAD: bench.freezer }), {
    message: /its imports cannot be watched: pycds-watch\.so was not preloaded/,
  })
})
