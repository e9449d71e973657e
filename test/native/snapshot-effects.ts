// SPDX-License-Identifier: Apache-2.0
// What an import does to the process, not to modules: whoever imports such a module ready must find the same before and
// after. Most are left out of a snapshot; of the others nothing but the clock may tell that they were in it.
import { readFileSync } from 'node:fs'
import test, { type ExecutionContext } from 'ava'
import { inRepository } from '../helpers/repository.js'
import { notRoot } from '../helpers/skipped.js'
import { findFreezable } from '../helpers/snapshot.js'
import { testInTurn } from '../helpers/test-in-turn.js'
import { TIER } from '../helpers/tier.js'
import { WarmBench } from '../helpers/warm.js'

const OBSERVE = readFileSync(inRepository('test/fixtures/snapshot/observe.py'), 'utf8')
/** What it looks at is imported ready, too. */
const OBSERVED = [
  'typing',
  'asyncio',
  'csv',
  'ctypes',
  'decimal',
  'mimetypes',
  'random',
  'sqlite3',
  'xml.etree.ElementTree',
]
const ENV = { PYTHONHASHSEED: '0' }

const EFFECTS: Record<string, string> = {
  callbacks: 'import gc; gc.callbacks.append(lambda phase, info: None)',
  thread_trace: 'import threading; threading.settrace(print)',
  prompt: 'import sys; sys.ps1 = "? "',
  traceback_limit: 'import sys; sys.tracebacklimit = 3',
  warnoptions: 'import sys; sys.warnoptions.append("observed")',
  argv: 'import sys; sys.argv.append("observed")',
  path_hooks: 'import sys; sys.path_hooks.append(print)',
  xoptions: 'import sys; sys._xoptions["observed"] = True',
  builtin: 'import builtins; builtins.observed = 1',
  csv_dialect: 'import csv; csv.register_dialect("observed", delimiter=";")',
  sqlite_converter: 'import sqlite3; sqlite3.register_converter("observed", bytes)',
  spaces: 'import xml.etree.ElementTree as tree; tree.register_namespace("observed", "urn:observed")',
  policy:
    'import asyncio; asyncio.set_event_loop_policy(type("Observed", (asyncio.DefaultEventLoopPolicy,), {})())',
  variable: 'import os; os.environ.setdefault("OBSERVED", "1")',
  main: 'import __main__; __main__.observed = 1',
}

/** Imported as ever all the same, since the program has something else where they look. */
const AS_EVER = new Set(['does_policy', 'does_main'])

const pythons = TIER === 'all' ? findFreezable() : findFreezable().slice(-1)
if (pythons.length === 0)
  test.skip('no CPython on this machine that can be frozen: no effect of an import is tried', () => undefined)

for (const python of pythons) {
  testInTurn(`${python.version}: what an import does to the process is done then`, async (t) => {
    const bench = new WarmBench(t, python)
    await bench.train()
    const modules = Object.keys(EFFECTS).map((name) => `does_${name}`)
    for (const [name, text] of Object.entries(EFFECTS))
      bench.file(`${bench.inSite}/does_${name}.py`, `${text}\n`)
    const { leftOut } = await bench.freezeWarm([...OBSERVED, ...modules], ENV)
    t.deepEqual(leftOut, [])
    const script = bench.file('app/observe.py', OBSERVE)
    for (const module of modules) {
      const { ready } = await bench.assertSame(t, module, [script, module], { env: ENV })
      t.is(ready.includes(module), !AS_EVER.has(module), module)
    }
  })
}

/** Imports of which nothing is left but what is in their modules, or what is made anew in each process. */
const HARMLESS: Record<string, string> = {
  // Extension modules do not find the module of decimals while they are loaded.
  counts: 'import decimal; VALUE = decimal.Decimal(1) + 2; import ctypes, mmap',
  puts_in: 'import os; os.environ["PUT_IN"] = os.environ.get("PUT_IN", "1")',
  writes_after: 'import discards, puts_in, os; os.environ["PUT_IN"] = "1"',
  reads_after: 'import discards, os; VALUE = os.environ.get("PUT_IN")',
  takes_out: 'import os; os.environ["TAKEN"] = "1"; import colorsys; del os.environ["TAKEN"]',
  discards: 'import os\nwith open(os.devnull, "w") as file: file.write("nothing")',
  encodes: 'VALUE = "x".encode("cp1252")',
  encodes_too: 'VALUE = "y".encode("Windows-1252"), "z".encode("cp1252")',
  asks_processor: 'import platform; VALUE = platform.uname()[4]',
  asks_processor_too: 'import platform; VALUE = platform.uname()[4], platform.platform() and None',
}
/** Not these, and why. */
const HARMFUL: Record<string, [program: string, reason: string]> = {
  writes_other: ['import discards, puts_in, os; os.environ["PUT_IN"] = "2"', 'VARIABLES'],
  keeps_open: ['import os; KEPT = open(os.devnull, "w")', 'DESCRIPTOR'],
  rounds: ['import decimal; VALUE = decimal.Decimal(1) / 3', 'INTERPRETER'],
  fills: ['open("/dev/full", "w").close()', 'WROTE'],
  keeps_codec: ['import codecs; KEPT = codecs.lookup("cp1251")', 'CODEC'],
  keeps_encoder: ['import codecs; KEPT = codecs.getencoder("cp1250")', 'CODEC'],
  misses_codec: ['import codecs\ntry: codecs.lookup("observed")\nexcept LookupError: pass', 'CODEC'],
  keeps_processor: ['import platform; KEPT = platform.processor()', 'DIFFERS'],
  runs_uname: ['import subprocess; subprocess.check_output(["uname", "-p"])', 'PROCESS'],
}
/** What only its name tells of, in short. */
const NAMED: Record<string, string> = {
  'numpy/testing/_private/utils.py': [
    'import os',
    'def memusage(_proc_pid_stat=f"/proc/{os.getpid()}/stat"): return _proc_pid_stat',
    'def jiffies(_proc_pid_stat=f"/proc/{os.getpid()}/stat", _load_time=[]): return _proc_pid_stat, _load_time',
    'def is_own(): return memusage() == f"/proc/{os.getpid()}/stat" == jiffies()[0]',
  ].join('\n'),
  'joblib/_multiprocessing_helpers.py': [
    'import os, tempfile',
    'try:',
    '    from _multiprocessing import SemLock',
    '    _rand = tempfile._RandomNameSequence()',
    '    for i in range(100):',
    '        name = "/joblib-{}-{}".format(os.getpid(), next(_rand))',
    '        _sem = SemLock(0, 0, 1, name=name, unlink=True)',
    '        del _sem',
    '        break',
    '    mp = True',
    'except OSError: mp = None',
    'def is_own(): return mp and f"-{os.getpid()}-" in name and _rand._rng_pid == os.getpid()',
  ].join('\n'),
}

/** What the interpreter remembers since, and that a child has ended; then that nobody asks again. */
const REMEMBERED = `
import codecs, encodings, os, platform, signal, sys
signal.signal(signal.SIGCHLD, lambda *_: print("a child has ended"))
for statement in sys.argv[1:]:
    exec(statement)
    print(statement, sorted(encodings._cache), "encodings.cp1252" in sys.modules)
print(platform._uname_cache and vars(platform._uname_cache).keys())
print(codecs.lookup("windows_1252") is codecs.lookup("Windows-1252"))
`
/** As asgiref's before 3.7 are. */
const LOCAL = `
import random, string, threading, weakref
class Local:
    def __init__(self, thread_critical=False):
        self._thread_critical = thread_critical
        self._thread_lock = threading.RLock()
        self._context_refs = weakref.WeakSet()
        self._attr_name = "_asgiref_local_impl_{}_{}".format(
            id(self),
            "".join(random.choice(string.ascii_letters) for i in range(8)),
        )
    def use(self):
        setattr(threading.current_thread(), self._attr_name, {})
        self._context_refs.add(threading.current_thread())
`
const HELD = 'from asgiref.local import Local\n'
const WITH_LOCALS: Record<string, string> = {
  one: `${HELD}class Kept:\n    def __init__(self): self.inner = Local(True)\nALL = [Local(), Kept().inner]`,
  other: `${HELD}import one, string\nALL = [Local() for i in range(3)]`,
}
const NOT_ALONE: Record<string, string> = {
  draws_besides: `${HELD}import random\nALL = [Local()]; NUMBER = random.random() > 2`,
  gone: `${HELD}Local(); ALL = [Local()]`,
  used: `${HELD}ALL = [Local()]; ALL[0].use()`,
}
const NAMES_OF_LOCALS = `
import random, sys
if sys.argv[1] != "none": random.seed(int(sys.argv[1]))
for name in sys.argv[2:]: __import__(name)
names = [one._attr_name.rsplit("_", 2) for name in sys.argv[2:] for one in sys.modules[name].ALL]
own = [int(number) == id(one) for name in sys.argv[2:] for one in sys.modules[name].ALL for number in [one._attr_name.split("_")[-2]]]
print([letters for _, _, letters in names] + [random.random()] if sys.argv[1] != "none" else len(set(map(str, names))), own)
if sys.argv[1] == "none": print(*[letters for _, _, letters in names], file=open(sys.argv[0] + ".names", "a"))
`

for (const python of pythons) {
  testInTurn(`${python.version}: names that asgiref draws are drawn in each process`, async (t) => {
    const bench = new WarmBench(t, python)
    await bench.train()
    bench.file(`${bench.inSite}/asgiref/__init__.py`, '')
    bench.file(`${bench.inSite}/asgiref/local.py`, LOCAL)
    for (const [name, text] of Object.entries({ ...WITH_LOCALS, ...NOT_ALONE }))
      bench.file(`${bench.inSite}/${name}.py`, `${text}\n`)
    const names = Object.keys(WITH_LOCALS)
    const { leftOut } = await bench.freezeWarm(['random', ...names, ...Object.keys(NOT_ALONE)], ENV)
    t.deepEqual(
      leftOut.map(({ name, reason }) => [name, reason]),
      Object.keys(NOT_ALONE).map((name) => [name, 'ENTROPY']),
    )
    const script = bench.file('app/names.py', NAMES_OF_LOCALS)
    for (const seed of ['7', '8', 'none', 'none'])
      for (const wanted of [names, names.toReversed()]) {
        const { not } = await bench.assertSame(t, seed, [script, seed, ...wanted], { env: ENV })
        t.deepEqual(not, [])
      }
    const lines = readFileSync(`${script}.names`, 'utf8').trim().split('\n')
    t.is(new Set(lines.flatMap((line) => line.split(' '))).size, 5 * lines.length)
    const replaced =
      'import random; random.choice = lambda letters: "x"; import one; print(one.ALL[0]._attr_name[-8:])'
    t.true((await bench.assertSame(t, 'replaced', ['-c', replaced], { env: ENV })).not.includes('one'))
  })
}

const FINALIZED: Record<string, string> = {
  ends: 'import weakref\nclass Kept: pass\nKEPT = Kept(); END = weakref.finalize(KEPT, print, "end")',
  ends_too:
    'import ends, weakref\nweakref.finalize(ends.KEPT, print, "too")\nKEPT = ends.Kept(); weakref.finalize(KEPT, print, "kept")',
  ends_alone:
    'import weakref\nclass Kept: pass\nKEPT = Kept(); weakref.finalize(KEPT, print, "alone").atexit = False',
}
const UNFINALIZED: Record<string, string> = { detaches: 'import ends; ends.END.detach()' }
const FINALIZES = `
import atexit, sys
atexit.register(print, "registered before")
for name in sys.argv[1:]:
    __import__(name)
    import weakref
    of = weakref.finalize
    print(name, [(info.func, info.args, info.atexit, info.index, one.alive) for one, info in of._registry.items()])
    print(of._dirty, of._registered_with_atexit, list(sys.modules)[-3:])
atexit.register(print, "registered behind")
if "ends_too" in sys.modules: sys.modules["ends_too"].KEPT = None
`

for (const python of pythons) {
  testInTurn(`${python.version}: finalizers are those of the process`, async (t) => {
    const bench = new WarmBench(t, python)
    await bench.train()
    for (const [name, text] of Object.entries({ ...FINALIZED, ...UNFINALIZED }))
      bench.file(`${bench.inSite}/${name}.py`, `${text}\n`)
    const names = Object.keys(FINALIZED)
    const { leftOut } = await bench.freezeWarm([...names, ...Object.keys(UNFINALIZED)], ENV)
    t.deepEqual(
      leftOut.map(({ name, reason }) => [name, reason]),
      [['detaches', 'CHANGED']],
    )
    const script = bench.file('app/finalizes.py', FINALIZES)
    for (const wanted of [names, names.toReversed(), ['ends_alone'], ['ends_too']]) {
      const { ready, not } = await bench.assertSame(t, wanted.join(), [script, ...wanted], { env: ENV })
      t.true(ready.includes(wanted[0] ?? ''))
      t.deepEqual(not, [])
    }
    const patched = 'import weakref; weakref.finalize._exitfunc = print; import ends'
    const { not } = await bench.assertSame(t, 'patched', ['-c', patched], { env: ENV })
    t.true(not.includes('ends'))
  })
}

const IMPORTS = ['encodes', 'encodes_too', 'asks_processor', 'asks_processor_too'].map(
  (name) => `import ${name}`,
)
/** What a program does before, by the module that is then imported as ever. */
const BEFORE: Record<string, string> = {
  encodes: 'encodings._cache["cp1252"] = codecs.lookup("utf-8")',
  encodes_too: 'codecs.unregister(encodings.search_function); codecs.register(encodings.search_function)',
}

async function assertRemembered(t: ExecutionContext, bench: WarmBench): Promise<void> {
  const script = bench.file('app/remembered.py', REMEMBERED)
  for (const statements of [IMPORTS, IMPORTS.toReversed(), ['codecs.lookup("cp1252")', ...IMPORTS]]) {
    const { not } = await bench.assertSame(t, statements.join(), [script, ...statements], { env: ENV })
    t.deepEqual(not, [], statements.join())
  }
  for (const [name, statement] of Object.entries(BEFORE)) {
    const args = [script, statement, `import ${name}`]
    const { not } = await bench.assertSame(t, statement, args, { env: ENV })
    t.deepEqual(not, [name])
  }
}

for (const python of pythons) {
  testInTurn(
    `${python.version}: an import of which nothing is left is none that changes something`,
    async (t) => {
      const bench = new WarmBench(t, python)
      await bench.train()
      const named = Object.keys(NAMED).map((file) => file.replace(/\.py$/, '').replaceAll('/', '.'))
      const texts = Object.entries(HARMFUL).map(([name, [text]]) => [name, text] as const)
      for (const [name, text] of [...Object.entries(HARMLESS), ...texts])
        bench.file(`${bench.inSite}/${name}.py`, `${text}\n`)
      for (const name of ['numpy', 'numpy/testing', 'numpy/testing/_private', 'joblib'])
        bench.file(`${bench.inSite}/${name}/__init__.py`, '')
      for (const [name, text] of Object.entries(NAMED)) bench.file(`${bench.inSite}/${name}`, text)
      const names = [...OBSERVED, ...Object.keys(HARMLESS), ...Object.keys(HARMFUL), ...named]
      const { leftOut } = await bench.freezeWarm(names, ENV)
      t.deepEqual(
        leftOut.map(({ name, reason }) => [name, reason]),
        Object.entries(HARMFUL).map(([name, [, reason]]) => [name, reason]),
      )
      const script = bench.file('app/observe.py', OBSERVE)
      for (const name of Object.keys(HARMLESS).filter((one) => one !== 'reads_after')) {
        const { ready } = await bench.assertSame(t, name, [script, name], { env: ENV })
        t.true(ready.includes(name), name)
      }
      await assertRemembered(t, bench)
      t.true(
        (await bench.assertSame(t, 'reads', [script, 'reads_after'], { env: ENV })).not.includes(
          'reads_after',
        ),
      )
      const set = await bench.assertSame(t, 'set', [script, 'puts_in'], { env: { ...ENV, PUT_IN: '2' } })
      t.true(set.not.includes('puts_in'))
      const orders: [text: string, not: string[]][] = [
        ['import puts_in, reads_after, writes_after', []],
        ['import writes_after, reads_after', []],
        ['import reads_after, puts_in', ['reads_after']],
        ['import puts_in, os; os.environ["PUT_IN"] = "3"; import reads_after', ['reads_after']],
        ['import os; os.environ["PUT_IN"] = "1"; import reads_after', []],
      ]
      for (const [text, expected] of orders) {
        const args = ['-c', `${text}; import os; print(reads_after.VALUE, list(os.environ.items()))`]
        const { not } = await bench.assertSame(t, text, args, { env: ENV })
        t.deepEqual(not, expected, text)
      }
      const program = (name: string) => ['-c', `import ${name} as one; print(one.is_own())`]
      for (const name of named) {
        const { ready, not } = await bench.assertSame(t, name, program(name), { env: ENV })
        t.true(ready.length > 0, name)
        t.deepEqual(not, [], name)
      }
      if (notRoot !== undefined) return
      const other = ['unshare', '-m', 'sh', '-c', 'mount --bind /etc/passwd /dev/null; exec "$@"', 'sh']
      const elsewhere = await bench.assertSame(t, 'no device', [script, 'discards'], {
        env: ENV,
        through: other,
      })
      t.true(elsewhere.not.includes('discards'))
      const without = ['unshare', '-m', 'sh', '-c', 'mount -t tmpfs -o ro none /dev/shm; exec "$@"', 'sh']
      const joblib = 'joblib._multiprocessing_helpers'
      const none = await bench.assertSame(t, 'no semaphores', program(joblib), { env: ENV, through: without })
      t.true(none.not.includes(joblib))
    },
  )
}
