// SPDX-License-Identifier: Apache-2.0
// What an import does to the process, not to modules: whoever imports such a module ready must find the same before and
// after. Most are left out of a snapshot; of the others nothing but the clock may tell that they were in it.
import { readFileSync } from 'node:fs'
import test from 'ava'
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
  main: 'import __main__; __main__.observed = 1; del __main__',
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
  takes_out: 'import os; os.environ["TAKEN"] = "1"; import colorsys; del os.environ["TAKEN"]',
  discards: 'import os\nwith open(os.devnull, "w") as file: file.write("nothing")',
}
/** Not these, and why. */
const HARMFUL: Record<string, [program: string, reason: string]> = {
  main_kept: ['import __main__', 'MAIN'],
  writes_after: ['import discards, puts_in, os; os.environ["PUT_IN"] = "1"', 'VARIABLES'],
  reads_after: ['import discards, puts_in, os; VALUE = os.environ["PUT_IN"]', 'VARIABLES'],
  keeps_open: ['import os; KEPT = open(os.devnull, "w")', 'DESCRIPTOR'],
  rounds: ['import decimal; VALUE = decimal.Decimal(1) / 3', 'INTERPRETER'],
  fills: ['open("/dev/full", "w").close()', 'WROTE'],
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
      for (const name of Object.keys(HARMLESS)) {
        const { ready } = await bench.assertSame(t, name, [script, name], { env: ENV })
        t.true(ready.includes(name), name)
      }
      const set = await bench.assertSame(t, 'set', [script, 'puts_in'], { env: { ...ENV, PUT_IN: '2' } })
      t.true(set.not.includes('puts_in'))
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
