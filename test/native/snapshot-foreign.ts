// SPDX-License-Identifier: Apache-2.0
// Processes that are not the plain interpreter, started plainly: watched, with more rights than their user has, inside
// another program, with another allocator. They run as they would without a snapshot, and the reason is told.
import { spawnSync } from 'node:child_process'
import {
  chmodSync,
  chownSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { compile } from '../helpers/compile.js'
import { minorOf, type Python } from '../helpers/interpreters.js'
import { inRepository } from '../helpers/repository.js'
import { missing, notRoot, unless } from '../helpers/skipped.js'
import { findFreezable, SnapshotBench } from '../helpers/snapshot.js'
import { testInTurn } from '../helpers/test-in-turn.js'

const fixture = (name: string) => inRepository(`test/fixtures/snapshot/${name}`)
const STATE = readFileSync(fixture('state.py'), 'utf8')
const NOBODY = 65_534
/** Where Debian has those that are preloaded for their speed. */
const LIBRARIES = '/usr/lib/x86_64-linux-gnu'
const ALLOCATORS = ['libjemalloc.so.2', 'libmimalloc.so.2', 'libtcmalloc_minimal.so.4']

const pythons = findFreezable()
if (pythons.length === 0)
  test.skip('no CPython on this machine that can be frozen: no refusal is tested', () => undefined)

type Run = (t: ExecutionContext, python: Python) => Promise<void>

function each(title: string, run: Run, on: readonly Python[] = pythons): void {
  for (const python of on) testInTurn(`${python.version}: ${title}`, (t) => run(t, python))
}

async function frozen(t: ExecutionContext, python: Python) {
  const bench = new SnapshotBench(t, python)
  bench.file('state.py', STATE)
  await bench.freeze()
  return bench
}

// ---- watched ----

each('a traced program runs as it would without', async (t, python) => {
  const bench = await frozen(t, python)
  const tracers = [['/usr/bin/env', 'python3', fixture('trace.py')]]
  if (missing('strace') === undefined) tracers.push(['strace', '-o', '/dev/null'])
  for (const through of tracers) {
    const o = { through, input: 'x\n' }
    await bench.compare(t, through.join(' '), ['state.py', 'one'], o, 'TRACED')
    for (const program of ['import sys; sys.exit(3)', 'raise KeyboardInterrupt'])
      await bench.compare(t, program, ['-c', program], o, 'TRACED')
  }
})

unless(missing('gdb'), each)('a debugger starts a program, and one that was thawed', async (t, python) => {
  const bench = await frozen(t, python)
  const gdb = ['gdb', '-q', '-nx', '-batch']
  const started = await bench.start(['-c', 'print("it runs")'], { through: [...gdb, '-ex', 'run', '--args'] })
  t.regex(started.stdout, /^it runs$/m)
  t.is(started.snapshot, 'TRACED')
  // Looked at by one of its own children, which no rule of the kernel keeps from it.
  const attach = [...gdb, '-ex', 'info sharedlibrary', '-ex', 'backtrace', '-p'].map((word) =>
    JSON.stringify(word),
  )
  const program = `import os, subprocess
out = subprocess.run([${attach.join(', ')}, str(os.getpid())], capture_output=True, text=True).stdout
print('libc.so.6' in out, ' in main (' in out or '__libc_start_main' in out or 'Py_RunMain' in out)`
  const { snapshot, stdout } = await bench.start(['-c', program])
  t.is(snapshot, 'thawed')
  t.regex(stdout, /^True/)
})

each('variables that have the interpreter watch itself are obeyed', async (t, python) => {
  const bench = await frozen(t, python)
  const program =
    'import faulthandler, sys, tracemalloc; print(tracemalloc.is_tracing(), faulthandler.is_enabled(), sys.flags.dev_mode, sys.gettrace())'
  for (const name of ['PYTHONTRACEMALLOC', 'PYTHONFAULTHANDLER', 'PYTHONDEVMODE', 'PYTHONPERFSUPPORT']) {
    const { snapshot } = await bench.start(['-c', program], { env: { [name]: '1' } })
    t.true(snapshot === 'CONFIGURATION' || snapshot === 'ENVIRONMENT', `${name}: ${snapshot}`)
    await bench.compare(t, name, ['-c', program], { env: { [name]: '1' } }, snapshot)
  }
})

each('functions that start-up files set for tracing and profiling are called', async (t, python) => {
  const bench = await frozen(t, python)
  const program = 'import sys\ndef f(): pass\nf(); print(sys.gettrace(), sys.getprofile())'
  const calls = 'lambda frame, event, argument: print(event) if frame.f_code.co_name == "f" else None'
  for (const function_ of ['settrace', 'setprofile']) {
    for (const name of ['00-a.pth', 'zz.pth']) {
      const path = join(bench.site, name)
      bench.file(
        join(bench.site.slice(bench.directory.length + 1), name),
        `import sys; sys.${function_}(${calls})\n`,
      )
      const { stdout } = await bench.compare(
        t,
        `${function_} in ${name}`,
        ['-c', program],
        {},
        'SOURCE_CHANGED',
      )
      t.regex(stdout, /^call$/m)
      rmSync(path)
    }
  }
})

// ---- rights ----

unless(notRoot, each)('a program with more rights than its user has uses no snapshot', async (t, python) => {
  const bench = new SnapshotBench(t, python)
  bench.file('state.py', STATE)
  bench.ownProgram(python)
  await bench.freeze()
  await bench.compare(t, 'no rights', ['state.py'], { input: 'x\n' })
  chmodSync(bench.directory, 0o755)

  // No variable may name a place now: only the one beside the runtime counts.
  const beside = join(bench.site, '_pycds.data')
  mkdirSync(beside)
  copyFileSync(bench.snapshot, join(beside, 'app.snap'))
  writeFileSync(join(beside, 'app.cds'), '')
  chownSync(bench.python, 0, NOBODY)
  chmodSync(bench.python, 0o2755)
  await bench.compare(t, 'set-gid', ['state.py'], { input: 'x\n' }, 'SECURE')
  await bench.compare(t, 'set-gid', ['-c', 'import sys; sys.exit(3)'], {}, 'SECURE')

  // As the user of the file, whom its own group may not bar from the interpreter's library.
  chownSync(bench.python, 0, 0)
  chmodSync(bench.python, 0o4755)
  const through = ['setpriv', `--reuid=${NOBODY}`, '--clear-groups']
  await bench.compare(t, 'set-uid', ['state.py'], { through, input: 'x\n' }, 'SECURE')

  chmodSync(bench.python, 0o755)
  const given = spawnSync('setcap', ['cap_dac_read_search,cap_net_bind_service=ep', bench.python])
  if (given.status === 0)
    await bench.compare(t, 'file capabilities', ['state.py'], { through, input: 'x\n' }, 'SECURE')
})

// ---- embedders ----

const embedded = unless(missing('cc'), (title: string, run: Run) =>
  each(
    title,
    run,
    pythons.filter(({ shared }) => shared),
  ),
)
embedded('an interpreter inside another program uses no snapshot', async (t, python) => {
  const bench = await frozen(t, python)
  const embed = join(bench.directory, 'embed')
  const lib = join(dirname(dirname(python.path)), 'lib')
  const library = `-lpython3.${minorOf(python)}`
  compile(['-o', embed, fixture('embed.c'), `-L${lib}`, `-Wl,-rpath,${lib}`, library])
  const program = 'import os, sys; print(sys.argv, sys.prefix, sys.flags, os.path.basename(sys.executable))'
  await bench.compare(
    t,
    'Py_Initialize',
    ['-c', program],
    { through: [embed, 'initialize'] },
    'CONFIGURATION',
  )
  await bench.compare(t, 'Py_BytesMain', ['-c', program, 'one'], { through: [embed, 'main'] }, 'PROGRAM')
  await bench.compare(t, 'Py_BytesMain', ['state.py'], { through: [embed, 'main'], input: 'x\n' }, 'PROGRAM')
})

// ---- allocators ----

each('another allocator is the one that is used', async (t, python) => {
  const bench = await frozen(t, python)
  for (const name of ['malloc', 'debug', 'malloc_debug', 'pymalloc'])
    await bench.compare(t, name, ['state.py'], { env: { PYTHONMALLOC: name }, input: 'x\n' }, 'ENVIRONMENT')
  const own = join(bench.directory, 'allocator.so')
  const libraries = ALLOCATORS.map((name) => join(LIBRARIES, name)).filter(existsSync)
  if (missing('cc') === undefined) {
    compile(['-shared', '-fPIC', '-o', own, fixture('allocator.c')])
    libraries.push(own)
  }
  for (const library of libraries)
    await bench.compare(
      t,
      library,
      ['state.py'],
      { env: { LD_PRELOAD: library }, input: 'x\n' },
      'ENVIRONMENT',
    )

  // Nor does an image that names it have a snapshot.
  for (const library of libraries) {
    const preload = `${join(bench.directory, 'pycds-freeze.so')}:${library}`
    const made = await bench.tryToFreeze([], { LD_PRELOAD: preload })
    t.is(made.code, 3, library)
    t.regex(made.stderr, /cannot be frozen: its allocator is not glibc's$/m)
  }
})

each(
  'a snapshot that was made with another allocator of Python serves starts with the same',
  async (t, python) => {
    for (const name of ['malloc', 'debug']) {
      const bench = new SnapshotBench(t, python)
      const env = { PYTHONMALLOC: name }
      const path = bench.file('battery.py', readFileSync(fixture('battery.py'), 'utf8'))
      bench.file('state.py', STATE)
      await bench.freeze([], env)
      await bench.compare(t, name, ['state.py'], { env, input: 'x\n' })
      const { stdout } = await bench.compare(t, name, [path], { env })
      t.notRegex(stdout, /FAILED/)
    }
  },
)
