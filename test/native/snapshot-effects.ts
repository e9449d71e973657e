// SPDX-License-Identifier: Apache-2.0
// What an import does to the process, not to modules: whoever imports such a module ready must find the same before and
// after. Most are left out of a snapshot; of the others nothing but the clock may tell that they were in it.
import { readFileSync } from 'node:fs'
import test from 'ava'
import { inRepository } from '../helpers/repository.js'
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
