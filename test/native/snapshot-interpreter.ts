// SPDX-License-Identifier: Apache-2.0
// Imports that change how the interpreter itself works: what they leave behind must not be touched while it is watched.
import test, { type ExecutionContext } from 'ava'
import { minorOf, type Python } from '../helpers/interpreters.js'
import { freezableToTry } from '../helpers/snapshot.js'
import { testInTurn } from '../helpers/test-in-turn.js'
import { WarmBench } from '../helpers/warm.js'

const pythons = freezableToTry()
if (pythons.length === 0)
  test.skip('no CPython on this machine that can be frozen: no import is watched', () => undefined)

interface Case {
  /** Of the module `lib`. */
  text: string
  /** Why it is left out; none: it is ready. */
  reason?: string
  /** Of the program, behind `import lib`. */
  program?: string
  /** The first minor version that has it. */
  since?: number
}

const LAZY = [
  'import importlib.util, sys',
  'spec = importlib.util.find_spec("settings")',
  'spec.loader = loader = importlib.util.LazyLoader(spec.loader)',
  'settings = sys.modules["settings"] = importlib.util.module_from_spec(spec)',
  'loader.exec_module(settings)',
].join('\n')

const CASES: Record<string, Case> = {
  'a module that is loaded when it is used': {
    text: LAZY,
    program:
      'import os; print(type(lib.settings).__name__); os.environ["MODE"] = "set"; print(lib.settings.MODE, type(lib.settings).__name__)',
  },
  tracemalloc: {
    text: 'import tracemalloc; tracemalloc.start(3); kept = [object() for _ in range(10)]',
    program: 'import tracemalloc; print(tracemalloc.is_tracing(), tracemalloc.get_traceback_limit())',
    reason: 'INTERPRETER',
  },
  'sys.monitoring': {
    text: [
      'import sys',
      'seen = []',
      'sys.monitoring.use_tool_id(4, "lib")',
      'sys.monitoring.register_callback(4, sys.monitoring.events.PY_START, lambda code, offset: seen.append(code.co_name))',
      'sys.monitoring.set_events(4, sys.monitoring.events.PY_START)',
    ].join('\n'),
    program: 'def named(): pass\nnamed(); print("named" in lib.seen, sys.monitoring.get_tool(4))',
    reason: 'TRACE',
    since: 12,
  },
}

for (const python of pythons) {
  for (const [what, { since = 0, ...one }] of Object.entries(CASES)) {
    if (minorOf(python) >= since) testInTurn(`${python.version}: ${what}`, (t) => tried(t, python, one))
  }
}

async function tried(
  t: ExecutionContext,
  python: Python,
  { text, reason, program = '' }: Case,
): Promise<void> {
  const bench = new WarmBench(t, python)
  await bench.train()
  bench.file(`${bench.inSite}/settings.py`, 'import os\nMODE = os.environ.get("MODE", "unset")\n')
  bench.file(`${bench.inSite}/lib.py`, `${text}\n`)
  bench.file(`${bench.inSite}/other.py`, 'VALUE = [1]\n')
  const { leftOut } = await bench.freezeWarm(['lib', 'other'])
  t.is(leftOut.find(({ name }) => name === 'lib')?.reason, reason)
  const script = bench.file('app/show.py', `import sys, other, lib\n${program}\nprint(other.VALUE)\n`)
  const { ready } = await bench.assertSame(t, 'the program', [script])
  t.true(ready.includes('other'))
}
