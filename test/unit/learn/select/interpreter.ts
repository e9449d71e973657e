// SPDX-License-Identifier: Apache-2.0

import test, { type ExecutionContext } from 'ava'
import type { Training } from '../../../../src/learn/run/index.js'
import type { RunLogProcess, RunLogPython } from '../../../../src/learn/runlog/run-log.js'
import { choosePython, groupByPython } from '../../../../src/learn/select/interpreter.js'
import { selectModules } from '../../../../src/learn/select/modules.js'
import type { ModuleCode } from '../../../../src/ports/index.js'

const SUPPORTED = ['3.11', '3.12', '3.13']

const PYTHON: RunLogPython = {
  launcher: '/usr/bin/python3',
  executable: '/usr/bin/python3.13',
  version: '3.13.1',
  hexversion: 0x030d01f0,
  implementation: 'cpython',
  cacheTag: 'cpython-313',
  library: '/usr/lib/libpython3.13.so.1.0',
  identity: 'ab',
  magic: Buffer.alloc(4),
  debug: false,
  freeThreaded: false,
  optimize: 0,
}

const module = (name: string, origin = `/app/${name}.py`): ModuleCode => ({
  name,
  origin,
  cached: '',
  entry: '/app',
  isPackage: false,
  mtime: 0,
  size: 0,
  sourceHash: Buffer.alloc(8),
  marshal: Buffer.alloc(0),
  seeds: Buffer.alloc(0),
})

const process = (
  python: Partial<RunLogPython>,
  names: string[],
  more: Partial<RunLogProcess> = {},
): RunLogProcess => ({
  pid: 1,
  parent: 0,
  argv: [],
  python: { ...PYTHON, ...python },
  noSite: false,
  isolated: false,
  noDebugRanges: false,
  variables: [],
  prefix: '/usr',
  siteDirectories: ['/usr/lib/python3.13/site-packages'],
  earlier: [],
  modules: names.map((name) => module(name)),
  regexes: [],
  sources: [],
  extensions: [],
  leftOut: [],
  held: [],
  ...more,
})

const training = (processes: RunLogProcess[], more: Partial<Training> = {}): Training => ({
  by: 'exit',
  exitCode: 0,
  seconds: 1,
  activity: 1,
  processes,
  others: [],
  withoutSite: [],
  unreached: [],
  unseen: [],
  changed: new Set(),
  directories: new Set(),
  probes: [],
  warnings: [],
  ...more,
})

test('the interpreter that imported most distinct modules is chosen', (t) => {
  const other = { library: '/opt/libpython3.12.so', version: '3.12.1' }
  const run = training([
    process({}, ['a', 'b']),
    process(other, ['a', 'b', 'c']),
    process({}, ['a', 'd', 'e']),
  ])
  t.is(choosePython('app', run, SUPPORTED).python.version, '3.13.1')
  t.deepEqual(
    groupByPython(run.processes).map((group) => group.modules),
    [4, 3],
  )
})

test('processes at another level of optimisation run other code, and are another group', (t) => {
  const run = training([
    process({}, ['a', 'b']),
    process({ optimize: 2 }, ['a', 'b', 'c', 'e']),
    process({}, ['d']),
  ])
  t.is(choosePython('app', run, SUPPORTED).python.optimize, 2)
  t.deepEqual(
    groupByPython(run.processes).map((group) => group.processes.length),
    [1, 2],
  )
})

function refuses(t: ExecutionContext, run: Training, code: string, message: RegExp): void {
  t.like(
    t.throws(() => choosePython('app', run, SUPPORTED)),
    { code },
  )
  t.throws(() => choosePython('app', run, SUPPORTED), { message })
}

test(
  'an interpreter without its site module, as frozen applications have',
  refuses,
  training([], { withoutSite: ['/srv/app'] }),
  'PYTHON_UNSUPPORTED',
  /\/srv\/app starts Python without its site module/,
)
test(
  'a debug build',
  refuses,
  training([process({ debug: true }, ['a'])]),
  'PYTHON_UNSUPPORTED',
  /debug build/,
)
test(
  'a free-threaded build',
  refuses,
  training([process({ freeThreaded: true }, ['a'])]),
  'PYTHON_UNSUPPORTED',
  /free-threaded/,
)
test(
  'CPython 3.8',
  refuses,
  training([process({ version: '3.8.18' }, ['a'])]),
  'PYTHON_UNSUPPORTED',
  /3\.8\.18/,
)
test(
  'another implementation',
  refuses,
  training([process({ implementation: 'graalpy' }, [])]),
  'PYTHON_UNSUPPORTED',
  /graalpy/,
)
test('PyPy', refuses, training([], { others: ['/opt/pypy/bin/pypy3.11'] }), 'PYTHON_UNSUPPORTED', /pypy3\.11/)
test('only -S', refuses, training([process({}, ['a'], { noSite: true })]), 'PYTHON_UNSUPPORTED', /-S/)
test(
  'no_debug_ranges',
  refuses,
  training([process({}, ['a'], { noDebugRanges: true })]),
  'PYTHON_UNSUPPORTED',
  /no_debug_ranges/,
)
test('a command without Python', refuses, training([]), 'NO_PYTHON', /started no Python/)
test(
  'a command that fails before Python',
  refuses,
  training([], { exitCode: 7 }),
  'TRAINING_FAILED',
  /exit code 7/,
)

test('modules of all processes are united, and each that is left out has its reason', (t) => {
  const group = groupByPython([
    process({}, ['a', 'b'], {
      earlier: ['encodings'],
      leftOut: [{ name: 'z', reason: 'another loader loads it' }],
    }),
    process({}, ['written'], {
      modules: [module('b', '/other/b.py'), module('c'), module('written', '/tmp/written.py')],
    }),
  ])[0]
  t.truthy(group)
  if (!group) return
  const { modules, leftOut } = selectModules(group, new Set(['/tmp/written.py']))
  t.deepEqual(
    modules.map((entry) => entry.origin),
    ['/app/a.py', '/app/b.py', '/other/b.py', '/app/c.py'],
  )
  // Found by its path alone.
  t.like(modules[2], { name: '/other/b.py', entry: '/other/b.py' })
  t.deepEqual(leftOut, [
    { name: 'encodings', reason: 'it is imported before the hook can run' },
    { name: 'written', reason: 'its source is there only because of the training run' },
    { name: 'z', reason: 'another loader loads it' },
  ])
})
