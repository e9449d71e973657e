// SPDX-License-Identifier: Apache-2.0
// What a program has done before its imports, and was started with, and what libraries do to each other out of sight: imports come
// to the same, ready or not.
import { utimesSync } from 'node:fs'
import test from 'ava'
import { freezableToTry, type StartOptions } from '../helpers/snapshot.js'
import { testInTurn } from '../helpers/test-in-turn.js'
import { WarmBench } from '../helpers/warm.js'

const ENV = { PYTHONHASHSEED: '0' }
const CHANGED = { ...ENV, LEVEL: 'debug' }
const LEVEL = 'os.environ.get("LEVEL", "none")'

/** Modules that can be held. */
const HELD: Record<string, string> = {
  empty: 'VALUE = 1\n',
  option:
    'import empty, sys\nV = getattr(empty, "OPTION", 0), getattr(sys, "frozen", 0), hasattr(sys, "ps1")\n',
  system: 'import sys\nV = sys.platform, sys.executable is not None\n',
  bytecode: 'import sys\nV = sys.dont_write_bytecode, sys.pycache_prefix\n',
  logs: 'import logging\nlog = logging.getLogger(__name__)\nlog.debug("imported")\nlog.info("%s", 1)\nV = 1\n',
  effective: 'import logging\nV = logging.getLogger("other").getEffectiveLevel()\n',
  beside: [
    'import importlib.util as util, os',
    'spec = util.spec_from_file_location("code", os.path.join(os.path.dirname(__file__), "code_.py"))',
    'module = util.module_from_spec(spec)\nspec.loader.exec_module(module)\nV = module.V\n',
  ].join('\n'),
  takes_nothing_back: 'import atexit\ndef bye(): print("bye")\natexit.unregister(bye)\nV = 1\n',
  star: 'from empty import *\nV = sorted(name for name in globals() if not name.startswith("_"))\n',
  ends: 'import weakref, empty\nV = weakref.finalize(empty.__loader__, print, "end").alive\n',
  files: 'import os\nV = os.sysconf("SC_OPEN_MAX")\n',
  words: 'import locale\nV = locale.setlocale(locale.LC_CTYPE), locale.nl_langinfo(locale.CODESET)\n',
  error: 'import sys\nV = sys.exc_info()[0]\n',
  zone: 'import datetime\nV = datetime.datetime.fromtimestamp(0).isoformat()\n',
  cached: `import functools, os\n@functools.lru_cache\ndef level(): return ${LEVEL}\nV = 1\n`,
  asks_cached: 'import cached\nV = cached.level()\n',
  registry: [
    'import os\nclass Registry:',
    '    def __init__(self): self.names, self.known = [], None',
    '    def level(self):',
    `        if self.known is None: self.known = ${LEVEL}`,
    '        return self.known',
    'registry = Registry()\nV = registry.names\n',
  ].join('\n'),
  registers: 'import registry\nregistry.registry.names.append(__name__)\nV = registry.registry.level()\n',
}
/** What each of these does cannot be held; with what is to blame. */
const LEFT_OUT: Record<string, [text: string, reason: string]> = {
  takes_back_own: [
    'import atexit\ndef bye(): print("bye")\natexit.register(bye)\natexit.unregister(bye)\nV = 1\n',
    'CHANGED',
  ],
  takes_back: ['import atexit, exits\natexit.unregister(exits.bye)\nV = 1\n', 'CHANGED'],
  reads: ['import sys\nV = sys.stdin.readline()\n', 'SURROUNDINGS'],
  reads_bytes: ['import os\nV = os.read(0, 3)\n', 'SURROUNDINGS'],
  mask: ['import signal\nV = signal.pthread_sigmask(signal.SIG_BLOCK, [])\n', 'SURROUNDINGS'],
  threads: ['import threading\nV = threading.active_count()\n', 'SURROUNDINGS'],
  variables: ['import posix\nV = posix.environ.get(b"LEVEL"), len(posix.environ) > 99\n', 'ENVIRONMENT'],
  context: ['import contextvars\nV = len(contextvars.copy_context())\n', 'SURROUNDINGS'],
  stream: ['import fcntl\nV = fcntl.fcntl(0, fcntl.F_GETFL)\n', 'SURROUNDINGS'],
  warns: [
    'import logging\nlogging.getLogger(__name__).addHandler(logging.NullHandler())\nlogging.getLogger(__name__).warning("heard")\nV = 1\n',
    'PRINTED',
  ],
  // As much is there as before.
  clears: ['import tables\ntables.TABLE.clear(); tables.TABLE["two"] = 2\nV = 1\n', 'CHANGED'],
  discards: ['import tables\ntables.NAMES |= {"two"}; tables.NAMES.discard("one")\nV = 1\n', 'CHANGED'],
  precision: ['import decimal\ndecimal.DefaultContext.prec = 5\nV = 1\n', 'INTERPRETER'],
  method: [
    'import multiprocessing\nmultiprocessing.set_start_method("spawn", force=True)\nV = 1\n',
    'INTERPRETER',
  ],
  number: ['import ctypes\nV = ctypes.CDLL(None, use_errno=True).close(-1)\n', 'INTERPRETER'],
  kind: ['import empty, types\nempty.__class__ = type("Kind", (types.ModuleType,), {})\nV = 1\n', 'CHANGED'],
  inner: ['import classes\nclasses.Outer.Inner.value = 2\nV = 1\n', 'CHANGED'],
  renamed: ['import classes\nclasses.Renamed.value = 2\nV = 1\n', 'CHANGED'],
}
const FOR_THEM: Record<string, string> = {
  tables: 'TABLE, NAMES = {"one": 1}, {"one"}\nV = 1\n',
  exits: 'import atexit\ndef bye(): print("bye")\natexit.register(bye)\nV = 1\n',
  classes:
    'class Outer:\n    class Inner: value = 1\nclass Renamed: value = 1\nRenamed.__module__ = "classes_of_nobody"\nV = Outer.Inner\n',
}

const show = (...names: string[]) =>
  [`import ${names.join(', ')}`, ...names.map((name) => `print(${name}.V)`)].join('\n')

const pythons = freezableToTry()
if (pythons.length === 0)
  test.skip('no CPython on this machine that can be frozen: nothing is done before', () => undefined)

for (const python of pythons) {
  testInTurn(`${python.version}: what a program has done before its imports counts`, async (t) => {
    const bench = new WarmBench(t, python)
    for (const [name, text] of Object.entries(HELD)) bench.file(`${bench.inSite}/${name}.py`, text)
    const code = bench.file(`${bench.inSite}/code_.py`, 'V = "first"\n')
    utimesSync(code, 1_700_000_000, 1_700_000_000)
    await bench.startPlain(['-c', 'import code_'])
    await bench.train()
    const names = Object.keys(HELD)
    t.deepEqual((await bench.freezeWarm(names, ENV)).leftOut, [])
    const all = await bench.assertSame(t, 'nothing', ['-c', show(...names)], { env: ENV })
    t.deepEqual(all.not, [])
    const cases: Record<string, [program: string, not: string[], o?: StartOptions]> = {
      option: [`import empty; empty.OPTION = 1\n${show('option')}`, ['option']],
      frozen: [`import sys; sys.frozen = True\n${show('option')}`, ['option']],
      'another system': [`import sys; sys.platform = "win32"\n${show('system', 'logs')}`, ['system', 'logs']],
      'no bytecode': [`import sys; sys.dont_write_bytecode = True\n${show('bytecode')}`, ['bytecode']],
      'no bytecode for others': [`import sys; sys.dont_write_bytecode = True\n${show('logs')}`, []],
      interactive: [`import sys; sys.ps1 = "> "\n${show('option')}`, ['option']],
      'a name for all': [`import empty; empty.OTHER = 1\n${show('star')}`, ['star']],
      'another name': [`import empty; empty.OTHER = 1\n${show('option')}`, []],
      'a level': [
        `import logging; logging.basicConfig(level=10)\n${show('logs', 'effective')}`,
        ['logs', 'effective'],
      ],
      'the own level': [`import logging; logging.getLogger("logs").setLevel(20)\n${show('logs')}`, ['logs']],
      'another level': [`import logging; logging.getLogger("asyncio").setLevel(10)\n${show('logs')}`, []],
      'a limit': [
        `import resource; resource.setrlimit(resource.RLIMIT_NOFILE, (300, 300))\n${show('files')}`,
        ['files'],
      ],
      'a locale': [`import locale; locale.setlocale(locale.LC_ALL, "C")\n${show('words')}`, ['words']],
      'an error': [`try: 1 / 0\nexcept ZeroDivisionError:\n    import error; print(error.V)`, ['error']],
      'a zone': [`import os, time; os.environ["TZ"] = "XXX-9"; time.tzset()\n${show('zone')}`, ['zone']],
      'answers that are remembered': [
        show('asks_cached', 'cached'),
        ['asks_cached', 'cached'],
        { env: CHANGED },
      ],
      'and asked later': [
        'import cached; print(cached.level(), cached.level.cache_info())',
        ['cached'],
        { env: CHANGED },
      ],
      'of an object': [
        `${show('registers', 'registry')}\nprint(registry.registry.level())`,
        ['registers', 'registry'],
        { env: CHANGED },
      ],
      memory: [
        `import tracemalloc; tracemalloc.start()\n${show('empty')}\nprint(any(one.traceback[0].filename == empty.__file__ for one in tracemalloc.take_snapshot().traces))`,
        ['empty'],
      ],
    }
    for (const [what, [program, not, o]] of Object.entries(cases)) {
      const { ready } = await bench.assertSame(t, what, ['-c', program], { env: ENV, ...o })
      t.deepEqual(
        not.filter((name) => ready.includes(name)),
        [],
        what,
      )
      if (not.length === 0) t.true(ready.includes(what === 'another name' ? 'option' : 'logs'), what)
    }
    bench.file(`${bench.inSite}/code_.py`, 'V = "second"\n')
    const { not } = await bench.assertSame(t, 'other code', ['-c', show('beside')], { env: ENV })
    t.deepEqual(not, ['beside'])
  })

  testInTurn(`${python.version}: what is changed or read out of sight is not held`, async (t) => {
    const bench = new WarmBench(t, python)
    const texts = Object.entries(LEFT_OUT).map(([name, [text]]) => [name, text] as const)
    const all = [['empty', HELD.empty ?? ''], ...Object.entries(FOR_THEM), ...texts] as const
    for (const [name, text] of all) bench.file(`${bench.inSite}/${name}.py`, text)
    bench.file(
      `${bench.inSite}/bases.py`,
      'class One: V = 1\nclass Two: V = 2\nclass Three(One): pass\nV = Three\n',
    )
    bench.file(`${bench.inSite}/rebases.py`, 'import bases\nbases.Three.__bases__ = (bases.Two,)\nV = 1\n')
    await bench.train()
    const { leftOut } = await bench.freezeWarm([...all.map(([name]) => name), 'bases', 'rebases'], ENV)
    const found = leftOut.filter(({ name, because }) => name === because)
    const expected = Object.entries(LEFT_OUT).map(([name, [, reason]]) => [name, reason])
    t.deepEqual(
      found.map(({ name, reason }) => [name, reason]).sort(),
      [...expected, ['bases', 'CHANGED']].sort(),
    )
    const input = { env: ENV, input: 'hello\nworld\n' }
    for (const [name] of all)
      await bench.assertSame(t, name, ['-c', `${show(name)}\nimport sys; print(sys.stdin.read())`], input)
    const classes =
      'import classes, empty; print(classes.Outer.Inner.value, classes.Renamed.value, type(empty))'
    await bench.assertSame(t, 'classes', ['-c', classes], { env: ENV })
    const tables =
      'import tables, ctypes, decimal, multiprocessing; print(tables.TABLE, tables.NAMES, ctypes.get_errno(), decimal.Decimal(1) / 3, multiprocessing.get_start_method(True))'
    await bench.assertSame(t, 'tables', ['-c', tables], { env: ENV })
    await bench.assertSame(t, 'bases', ['-c', 'import bases; print(bases.Three.V)'], { env: ENV })
    t.true(leftOut.every(({ name }) => !['empty', 'classes', 'exits'].includes(name)))
  })
}
