// SPDX-License-Identifier: Apache-2.0
// What imports ask of their surroundings: a module that is ready must have what it would have been answered.
import { chmodSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { inRepository } from '../helpers/repository.js'
import { notRoot, unless } from '../helpers/skipped.js'
import { freezableToTry } from '../helpers/snapshot.js'
import { testInTurn } from '../helpers/test-in-turn.js'
import { WarmBench } from '../helpers/warm.js'

const ENV = { PYTHONHASHSEED: '0' }

const pythons = freezableToTry()
if (pythons.length === 0)
  test.skip('no CPython on this machine that can be frozen: no question of an import is tried', () =>
    undefined)

/** Modules by name, each of which has asked for V; a bench that has frozen them, and what was left out. */
async function frozen(
  bench: WarmBench,
  modules: Readonly<Record<string, string>>,
  others: readonly string[] = [],
): Promise<[name: string, reason: string][]> {
  await bench.train()
  for (const [name, text] of Object.entries(modules)) bench.file(`${bench.inSite}/${name}.py`, `${text}\n`)
  const { leftOut } = await bench.freezeWarm([...others, ...Object.keys(modules)], ENV)
  return leftOut.map(({ name, reason }) => [name, reason])
}

const without = (names: readonly string[], ...others: string[]) =>
  names.filter((name) => !others.includes(name))

/** Imports these after some statements, and shows what each has. */
const showing = (names: readonly string[], before = '') =>
  `${before}\nimport ${names.join()}\nfor one in (${names.join()},): print(one.__name__, one.V)\n`

/** Runs a program both ways; which of the modules must have been ready. */
async function assertReady(
  t: ExecutionContext,
  bench: WarmBench,
  names: readonly string[],
  expected: readonly string[],
  o: { before?: string; cwd?: string; through?: readonly string[] } = {},
): Promise<void> {
  const { before, ...options } = o
  for (const name of names) {
    const script = bench.file('app/show.py', showing([name], before))
    const { ready } = await bench.assertSame(t, `${name} ${before ?? ''}`, [script], { ...options, env: ENV })
    t.is(ready.includes(name), expected.includes(name), `${name} ${before ?? ''}`)
  }
}

/** Where the process is. */
const OF_DIRECTORY: Record<string, string> = {
  asks_directory: 'import os; V = os.getcwd()',
  makes_absolute: 'import os.path; V = os.path.abspath("conf.ini")',
  looks_beside: 'import os; V = os.path.exists("conf.ini")',
  looks_at_path: 'import pathlib; V = pathlib.Path("conf.ini").is_file()',
  of_workers: 'import multiprocessing.process; V = multiprocessing.process.ORIGINAL_DIR is not None',
  copies_it: 'from multiprocessing.process import ORIGINAL_DIR as V',
  does_not_ask: 'import os.path; V = os.path.join("a", "b")',
}

for (const python of pythons) {
  testInTurn(`${python.version}: what asks for the directory gets that of its process`, async (t) => {
    const bench = new WarmBench(t, python)
    t.deepEqual(await frozen(bench, OF_DIRECTORY), [['copies_it', 'DIFFERS']])
    const all = Object.keys(OF_DIRECTORY).filter((name) => name !== 'copies_it')
    await assertReady(t, bench, [...all, 'copies_it'], all)
    const elsewhere = join(bench.directory, 'elsewhere')
    mkdirSync(elsewhere)
    const untold = all.filter((name) => !['asks_directory', 'makes_absolute'].includes(name))
    await assertReady(t, bench, [...all, 'copies_it'], untold, { cwd: elsewhere })
    await assertReady(t, bench, [...all, 'copies_it'], untold, { before: 'import os; os.chdir("elsewhere")' })
    writeFileSync(join(elsewhere, 'conf.ini'), '')
    const others = untold.filter((name) => !['looks_beside', 'looks_at_path'].includes(name))
    await assertReady(t, bench, [...all, 'copies_it'], others, { cwd: elsewhere })
    const program = 'import multiprocessing.process as one; print(one.ORIGINAL_DIR)'
    const { ready } = await bench.assertSame(t, program, ['-c', program], { cwd: elsewhere, env: ENV })
    t.deepEqual(ready, ['multiprocessing.process'])
    // As a mock does it.
    const patched = 'import os.path; os.path.exists = lambda path: "patched"'
    await assertReady(t, bench, ['looks_beside'], [], { before: patched })
  })
}

/** What the standard streams are. */
const OF_STREAMS: Record<string, string> = {
  asks_stream: 'import sys; V = sys.stdout.isatty()',
  asks_number: 'import os; V = os.isatty(1)',
  asks_for_all: 'import os, sys; V = any(os.isatty(one) for one in range(3))',
  has_kind: 'import os, stat; V = stat.S_IFMT(os.fstat(1).st_mode)',
  has_columns: 'import shutil; V = shutil.get_terminal_size().columns',
  asks_its_own:
    'import os; f = open(__file__); V = f.isatty(), os.fstat(f.fileno()).st_size > 0; f.close(); del f',
}

for (const python of pythons) {
  testInTurn(`${python.version}: what asks for a terminal gets that of its process`, async (t) => {
    const bench = new WarmBench(t, python)
    // The streams of templates are not alike.
    t.deepEqual(await frozen(bench, OF_STREAMS), [['has_kind', 'DIFFERS']])
    const all = Object.keys(OF_STREAMS)
    await assertReady(t, bench, all, without(all, 'has_kind'))
    const terminal = [python.path, inRepository('test/fixtures/snapshot/terminal.py')]
    await assertReady(t, bench, all, ['asks_its_own'], { through: terminal })
  })
}

/** Files about which somebody asks, in FILES. */
const OF_FILES: Record<string, string> = {
  is_there: 'import os; V = os.path.exists(FILES + "/there")',
  is_not_there: 'import os; V = os.path.exists(FILES + "/absent")',
  is_directory: 'import os; V = os.path.isdir(FILES + "/some")',
  has_size: 'import os; V = os.path.getsize(FILES + "/there")',
  has_time: 'import os; V = os.path.getmtime(FILES + "/there")',
  has_mode: 'import os; V = oct(os.stat(FILES + "/there").st_mode)',
  leads_to: 'import os; V = os.path.realpath(FILES + "/link")',
  is_allowed: 'import os; V = os.access(FILES + "/there", os.X_OK)',
  by_path: 'import pathlib; V = pathlib.Path(FILES, "there").exists()',
  finds_program: 'import shutil; V = shutil.which("tool", path=FILES)',
  keeps_number: 'import os; V = os.stat(FILES + "/there").st_ino',
  asks_open: 'import os; V = os.stat(0).st_mode',
  asks_often: 'import os; V = [os.path.exists(f"{FILES}/{i}") for i in range(300)].count(True)',
}

for (const python of pythons) {
  testInTurn(`${python.version}: what asks about files gets what they are`, async (t) => {
    const bench = new WarmBench(t, python)
    const files = join(bench.directory, 'files')
    const inFiles = (name: string) => join(files, name)
    mkdirSync(inFiles('some'), { recursive: true })
    writeFileSync(inFiles('there'), 'text')
    symlinkSync('there', inFiles('link'))
    const modules = Object.fromEntries(
      Object.entries(OF_FILES).map(([name, text]) => [name, `FILES = ${JSON.stringify(files)}\n${text}`]),
    )
    t.deepEqual(await frozen(bench, modules, ['shutil']), [
      ['keeps_number', 'DIFFERS'],
      ['asks_open', 'SURROUNDINGS'],
      ['asks_often', 'SURROUNDINGS'],
    ])
    const all = Object.keys(OF_FILES)
    const held = without(all, 'keeps_number', 'asks_open', 'asks_often')
    await assertReady(t, bench, all, held)
    writeFileSync(inFiles('other'), '')
    // What others there are in a directory is not asked.
    await assertReady(t, bench, all, held)
    writeFileSync(inFiles('absent'), '')
    await assertReady(t, bench, all, without(held, 'is_not_there'))
    rmSync(inFiles('absent'))
    chmodSync(inFiles('there'), 0o755)
    await assertReady(t, bench, all, without(held, 'has_mode', 'has_size', 'has_time', 'is_allowed'))
    chmodSync(inFiles('there'), 0o644)
    writeFileSync(inFiles('tool'), '#!/bin/sh\n', { mode: 0o755 })
    await assertReady(t, bench, all, without(held, 'finds_program'))
    rmSync(inFiles('link'))
    symlinkSync('some', inFiles('link'))
    await assertReady(t, bench, ['leads_to'], [])
    rmSync(inFiles('some'), { recursive: true })
    writeFileSync(inFiles('some'), '')
    writeFileSync(inFiles('there'), 'longer')
    await assertReady(t, bench, ['is_directory', 'has_size', 'has_time'], [])
    await assertReady(t, bench, ['is_there', 'by_path'], ['is_there', 'by_path'])
  })
}

/** Who runs the process. */
const OF_USER: Record<string, string> = {
  is_user: 'import os; V = os.getuid()',
  has_groups: 'import os; V = os.getgroups()',
  has_account: 'import os, pwd; V = pwd.getpwuid(os.getuid()).pw_name',
  is_known: 'import pwd, grp; V = pwd.getpwnam("root").pw_dir, grp.getgrgid(0).gr_name',
  logs_in: 'import os\ntry: V = os.getlogin()\nexcept OSError as error: V = error.errno',
}

for (const python of pythons) {
  const title = `${python.version}: what asks for the user gets that of its process`
  unless(notRoot, testInTurn)(title, async (t) => {
    const bench = new WarmBench(t, python)
    t.deepEqual(await frozen(bench, OF_USER), [])
    const all = Object.keys(OF_USER)
    await assertReady(t, bench, all, all)
    // The rights to read its own files stay.
    const asOther = 'import os; os.setreuid(1, 0)'
    await assertReady(t, bench, all, ['has_groups', 'is_known', 'logs_in'], { before: asOther })
    const inOther = 'import os; os.setgroups([12345])'
    await assertReady(t, bench, all, without(all, 'has_groups'), { before: inOther })
  })
}

/** What is found by the variable HOME. */
const OF_HOME: Record<string, string> = {
  of_installation:
    'import sysconfig; V = sysconfig.get_path("stdlib"), sysconfig.get_config_var("py_version_short")',
  has_documents: 'import pydoc; V = pydoc.HTMLDoc.__name__',
  keeps_base: 'import sysconfig; V = sysconfig.get_config_var("userbase")',
  keeps_path: 'import sysconfig; V = sysconfig.get_path("purelib", "posix_user")',
  keeps_site: 'import site; V = site.getuserbase()',
  asks_home: 'import os; V = os.path.expanduser("~/.conf")',
}

for (const python of pythons) {
  testInTurn(`${python.version}: what asks for the home directory gets that of its process`, async (t) => {
    const bench = new WarmBench(t, python)
    await bench.train()
    for (const [name, text] of Object.entries(OF_HOME)) bench.file(`${bench.inSite}/${name}.py`, `${text}\n`)
    const { leftOut } = await bench.freezeWarm(Object.keys(OF_HOME), { ...ENV, HOME: '/root' })
    t.deepEqual(
      leftOut.map(({ name, reason }) => [name, reason]),
      ['keeps_base', 'keeps_path', 'keeps_site'].map((name) => [name, 'DIFFERS']),
    )
    for (const [home, expected] of [
      ['/root', ['of_installation', 'has_documents', 'asks_home']],
      ['/home/other', ['of_installation', 'has_documents']],
    ] as const)
      for (const name of Object.keys(OF_HOME)) {
        const after = 'import sysconfig; print(sysconfig.get_config_var("userbase"))'
        const script = bench.file('app/show.py', `${showing([name])}${after}\n`)
        const { ready } = await bench.assertSame(t, `${name} ${home}`, [script], {
          env: { ...ENV, HOME: home },
        })
        t.is(ready.includes(name), (expected as readonly string[]).includes(name), `${name} ${home}`)
      }
  })
}

/** What a program may have set before. */
const OF_STATE: Record<string, string> = {
  of_collector: 'import gc; V = gc.isenabled(), gc.get_threshold(), gc.get_debug()',
  of_signals:
    'import signal; V = str(signal.getsignal(signal.SIGUSR1)), str(signal.getsignal(signal.SIGINT))',
  of_recursion: 'import sys; V = sys.getrecursionlimit()',
  of_sockets: 'import socket; V = socket.getdefaulttimeout()',
  of_limits: 'import resource; V = resource.getrlimit(resource.RLIMIT_NOFILE)',
  of_loops: 'import asyncio\ntry: V = asyncio.get_running_loop() is not None\nexcept RuntimeError: V = False',
  of_mask: 'import os\nV = os.umask(0o22); os.umask(V)',
}
const STATES: Record<string, string> = {
  of_collector: 'import gc; gc.disable()',
  of_signals: 'import signal; signal.signal(signal.SIGUSR1, signal.SIG_IGN)',
  of_recursion: 'import sys; sys.setrecursionlimit(2000)',
  of_sockets: 'import socket; socket.setdefaulttimeout(3)',
  of_limits: 'import resource; resource.setrlimit(resource.RLIMIT_NOFILE, (100, 100))',
}

for (const python of pythons) {
  testInTurn(`${python.version}: what asks for a setting gets that of its process`, async (t) => {
    const bench = new WarmBench(t, python)
    t.deepEqual(await frozen(bench, OF_STATE), [['of_mask', 'UMASK']])
    const held = without(Object.keys(OF_STATE), 'of_mask')
    await assertReady(t, bench, Object.keys(OF_STATE), held)
    for (const [name, before] of Object.entries(STATES))
      await assertReady(t, bench, held, without(held, name), { before })
    const program = 'import asyncio\nasync def main():\n    import of_loops, of_limits; print(of_loops.V)\n'
    const script = bench.file('app/loops.py', `${program}asyncio.run(main())\n`)
    const { ready } = await bench.assertSame(t, 'in a loop', [script], { env: ENV })
    t.deepEqual(
      ready.filter((name) => name in OF_STATE),
      ['of_limits'],
    )
  })
}
