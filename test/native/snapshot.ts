// SPDX-License-Identifier: Apache-2.0
// A program that goes on in a snapshot does what it would have done: the interpreter is started with and without.
import { readFileSync, utimesSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import type { Python } from '../helpers/interpreters.js'
import { inRepository } from '../helpers/repository.js'
import { findFreezable, SnapshotBench, type StartOptions } from '../helpers/snapshot.js'
import { placesOf, regionsOf } from '../helpers/snapshot-file.js'
import { testInTurn } from '../helpers/test-in-turn.js'

const STATE = readFileSync(inRepository('test/fixtures/snapshot/state.py'), 'utf8')
const PAGE = 4096n
const DATA = 2
const WRITABLE = 2
const INPUT = 'first\r\nsecond\n'

const pythons = findFreezable()
if (pythons.length === 0)
  test.skip('no CPython on this machine that can be frozen: no snapshot is tested', () => undefined)

function each(title: string, run: (t: ExecutionContext, python: Python) => Promise<void>): void {
  for (const python of pythons) testInTurn(`${python.version}: ${title}`, (t) => run(t, python))
}

/** A frozen interpreter, and the program that prints what it sees. */
async function frozen(t: ExecutionContext, python: Python, options: readonly string[] = []) {
  const bench = new SnapshotBench(t, python)
  bench.file('state.py', STATE)
  await bench.freeze(options)
  return bench
}

each('a program sees the same, however it is named', async (t, python) => {
  const bench = await frozen(t, python)
  bench.file('package/__main__.py', STATE)
  bench.file('sub/__init__.py', '')
  bench.file('sub/state.py', STATE)
  const zip = join(bench.directory, 'app.zip')
  const made = await bench.startPlain(['-m', 'zipapp', 'package', '-o', zip])
  t.is(made.code, 0, made.stderr)
  const forms: [string[], string?][] = [
    [['state.py', 'one two', '', '-x', 'ä']],
    [[join(bench.directory, 'state.py')]],
    [['-c', STATE, 'one']],
    [['-m', 'state', 'one']],
    [['-m', 'sub.state']],
    [['package']],
    [[zip, 'one']],
    [[], STATE],
    [['-', 'one'], STATE],
  ]
  for (const [args, input = INPUT] of forms) await bench.compare(t, args.join(' '), args, { input })
})

const ENDS: Record<string, string> = {
  'an exit code': 'import sys; sys.exit(3)',
  'a text for the exit': 'import sys; sys.exit("bye")',
  'an uncaught exception': 'def f(): raise ValueError(1)\nf()',
  'a syntax error': 'x = = 1',
  KeyboardInterrupt: 'raise KeyboardInterrupt',
  SIGINT: 'import os, signal, time; os.kill(os.getpid(), signal.SIGINT); time.sleep(60)',
  SIGTERM: 'import os, signal; os.kill(os.getpid(), signal.SIGTERM)',
  SIGPIPE: 'import os, signal; print(signal.getsignal(signal.SIGPIPE)); os.kill(os.getpid(), signal.SIGPIPE)',
  'output that cannot be written': 'import os; print("x"); os.close(1)',
  'a hook for exceptions': 'import sys; sys.excepthook = lambda *a: print("hook", a[0]); 1 / 0',
  'functions at exit':
    'import atexit; atexit.register(print, "bye"); import threading; threading.Timer(0, print, ["t"]).start()',
  'abort()': 'import os; os.abort()',
  'a module that is not there': 'import not_there',
}

each('it ends as it would have ended', async (t, python) => {
  const bench = await frozen(t, python)
  for (const [what, program] of Object.entries(ENDS)) await bench.compare(t, what, ['-c', program])
  for (const args of [['not-there.py'], ['-m', 'not_there'], ['.'], ['-m', 'json.tool', '--help']])
    await bench.compare(t, args.join(' '), args)
})

const SETTINGS: Record<string, StartOptions & { unheard?: true }> = {
  'no standard input': { redirect: '<&-' },
  'no standard output': { redirect: '1<&-', env: { PLACE: '2' } },
  'no standard error': { redirect: '2<&-', unheard: true },
  'no standard stream': { redirect: '9>&1 0<&- 1<&- 2<&-', env: { PLACE: '9' }, unheard: true },
  'streams that are files': { redirect: '<state.py >out.txt; cat out.txt' },
  'an ignored SIGHUP': { shell: "trap '' HUP" },
  'an ignored SIGINT': { shell: "trap '' INT" },
  'a small stack': { shell: 'ulimit -s 1024' },
  'a stack without a limit': { shell: 'ulimit -s unlimited' },
  'an open descriptor': { redirect: '7<pyvenv.cfg' },
  'another mask of modes': { shell: 'umask 077' },
  'further variables': { env: { FOO: 'bär', EMPTY: '', A: 'x'.repeat(5000) } },
  'few variables': { env: { PATH: undefined } },
  'another directory': { cwd: '/' },
}

each('it finds streams, signals, limits and variables as they are', async (t, python) => {
  const bench = await frozen(t, python)
  const program = join(bench.directory, 'state.py')
  for (const [what, { unheard, ...o }] of Object.entries(SETTINGS)) {
    const expected = unheard ? null : 'thawed'
    await bench.compare(t, what, [program], { input: INPUT, ...o }, expected)
  }
})

each('variables keep their order, and the first of a name counts', async (t, python) => {
  const bench = await frozen(t, python)
  const env = { Z: '1', A: '2', M: 'x=y', _: '3' }
  const program = 'import os; print(list(os.environ.items())); os.system("env | grep -v PYCDS_")'
  await bench.compare(t, 'order', ['-c', program], { env })
})

each('options are those of the snapshot, or it is not used', async (t, python) => {
  const plain = await frozen(t, python)
  for (const options of [['-O'], ['-B'], ['-X', 'utf8=0'], ['-W', 'error'], ['-P'], ['-i'], ['-q']])
    await plain.compare(t, options.join(' '), [...options, 'state.py'], {}, 'CONFIGURATION')
  await plain.compare(t, '-u', ['-u', 'state.py'], { input: INPUT })
  const unbuffered = await frozen(t, python, ['-u'])
  await unbuffered.compare(t, '-u', ['-u', 'state.py'], { input: INPUT })
  await unbuffered.compare(t, '-u', ['-u', '-c', 'print("x", end=""); import os; os._exit(0)'])
  await unbuffered.compare(t, 'no -u', ['state.py'], {}, 'CONFIGURATION')
  const interactive = await frozen(t, python, ['-i'])
  await interactive.compare(t, '-i', ['-i', '-c', 'x = 5'], { input: 'print(x)\nimport sys\nsys.ps1\n1/0\n' })
  await interactive.compare(t, '-i script', ['-i', 'state.py'], { input: 'print(__name__)\n' })
  await interactive.compare(t, '-i and exit', ['-i', '-c', 'import sys; sys.exit(4)'], {
    input: 'print(6)\n',
  })
})

/** Written in parts, by Python and by the C library: in which order it comes says what was buffered. */
const IN_PARTS = `
import ctypes, os, sys
library = ctypes.CDLL(None)
print("text", end="")
library.printf(b"%s", b"printed")
os.write(1, b"written")
print("lines\\nand", end="", file=sys.stderr)
os.write(2, b"written")
print(type(sys.stdout.buffer), type(sys.stderr.buffer), type(sys.stdin.buffer), sys.stdin.readline())
if len(sys.argv) > 1: os._exit(3)
`

each('streams have buffers where the start says so', async (t, python) => {
  const bench = await frozen(t, python)
  for (const value of ['1', 'x', '']) {
    const o = { env: { PYTHONUNBUFFERED: value }, input: INPUT }
    await bench.compare(t, `PYTHONUNBUFFERED=${value}`, ['state.py'], o)
    await bench.compare(t, `PYTHONUNBUFFERED=${value}, in parts`, ['-c', IN_PARTS], o)
    await bench.compare(t, `PYTHONUNBUFFERED=${value}, its end`, ['-c', IN_PARTS, 'end'], o)
  }
  await bench.compare(t, 'buffered, in parts', ['-c', IN_PARTS], { input: INPUT })
  const closed = { env: { PYTHONUNBUFFERED: '1', PLACE: '2' }, redirect: '1<&-' }
  await bench.compare(t, 'no standard output', ['state.py'], closed)
})

each('PYTHONINSPECT, set by a program, is obeyed', async (t, python) => {
  const bench = await frozen(t, python)
  const program = 'import os; os.environ["PYTHONINSPECT"] = "1"; y = 3'
  await bench.compare(t, 'inspect', ['-c', program], { input: 'print(y)\n' })
})

each('a snapshot that was made with variables serves starts with the same', async (t, python) => {
  const bench = new SnapshotBench(t, python)
  bench.file('state.py', STATE)
  const env = {
    PYTHONUNBUFFERED: '1',
    PYTHONDONTWRITEBYTECODE: '1',
    PYTHONIOENCODING: 'latin-1:replace',
    TZ: 'UTC',
  }
  await bench.freeze([], env)
  await bench.compare(t, 'same', ['state.py'], { env, input: INPUT })
  await bench.compare(t, 'one less', ['state.py'], { env: { ...env, TZ: undefined } }, 'ENVIRONMENT')
  await bench.compare(t, 'other', ['state.py'], { env: { ...env, PYTHONIOENCODING: 'utf-8' } }, 'ENVIRONMENT')
})

each('a locale that Python corrects is corrected', async (t, python) => {
  const bench = new SnapshotBench(t, python)
  bench.file('state.py', STATE)
  const env = { LANG: undefined }
  await bench.freeze([], env)
  await bench.compare(t, 'no locale', ['state.py'], { env, input: INPUT })
})

each('what a program does afterwards works', async (t, python) => {
  const bench = await frozen(t, python)
  const path = bench.file(
    'battery.py',
    readFileSync(inRepository('test/fixtures/snapshot/battery.py'), 'utf8'),
  )
  const { stdout } = await bench.compare(t, 'battery', [path])
  t.notRegex(stdout, /FAILED/)
})

each('the functions of the kernel are found, wherever they are', async (t, python) => {
  const bench = await frozen(t, python)
  const program =
    'import time, os; a = time.time(), time.monotonic(), os.times()[4]; print(abs(time.time() - a[0]) < 100, time.clock_getres(1))'
  for (const how of ['patch', 'call'])
    await bench.compare(t, how, ['-c', program], { env: { PYCDS_SNAPSHOT_VDSO: how } })
})

each('the code that is mapped is that of the same files, wherever it comes from', async (t, python) => {
  const bench = await frozen(t, python)
  const program = bench.file(
    'maps.py',
    `for line in sorted(open('/proc/self/maps'), key=lambda line: line.split()[2:]):
    place, rights, *which = line.split()
    start, end = (int(number, 16) for number in place.split('-'))
    if rights == 'r-xp' and len(which) == 4 and 'pycds' not in line: print(end - start, which)
`,
  )
  const { stdout } = await bench.compare(t, 'code', [program])
  t.regex(stdout, /libc/)
})

each('pages that every start changes are known', async (t, python) => {
  const bench = await frozen(t, python)
  const file = readFileSync(bench.snapshot)
  const warm = placesOf(file, 'warm').map((at) => [file.readBigUInt64LE(at), file.readBigUInt64LE(at + 8)])
  const pages = warm.reduce((sum, [, bytes = 0n]) => sum + Number(bytes / PAGE), 0)
  const data = regionsOf(file).filter(({ kind, protection }) => kind === DATA && protection & WRITABLE)
  const all = data.reduce((sum, { bytes }) => sum + Number(bytes / PAGE), 0)
  t.true(pages > 50 && pages < all / 2, `${pages} of ${all}`)
  // Another program changes them too, be it named in another way: what it asks the kernel is what it has itself.
  const program = bench.file(
    'changed.py',
    `import struct
pagemap = open('/proc/self/pagemap', 'rb', buffering=0)
changed = 0
for start, pages in ${JSON.stringify(warm.map(([at, bytes = 0n]) => [Number(at), Number(bytes / PAGE)]))}:
    pagemap.seek(start // 4096 * 8)
    changed += sum(not entry[0] >> 61 & 1 and entry[0] >> 63 for entry in struct.iter_unpack('Q', pagemap.read(8 * pages)))
print(changed)
`,
  )
  const { stdout, snapshot } = await bench.start([program])
  t.is(snapshot, 'thawed')
  t.is(Number(stdout), pages)
})

each('a directory that the start has listed is not listed once more', async (t, python) => {
  const bench = await frozen(t, python)
  const program = inRepository('test/fixtures/snapshot/opens.py')
  const opened = async (how: 'start' | 'startPlain', expected: string) => {
    const told = join(bench.directory, 'opened')
    const through = [python.path, '-I', program, bench.site, told]
    const { code, snapshot } = await bench[how](['-c', 'pass'], { through })
    t.deepEqual([code, snapshot], [0, expected])
    return Number(readFileSync(told, 'utf8'))
  }
  // By the module site, and by the finder that has found the runtime.
  const before = 2
  t.is(await opened('start', 'thawed'), before)
  // Another time, and the same names.
  utimesSync(bench.site, 1, 1)
  t.is(await opened('start', 'thawed'), before)
  const plain = await opened('startPlain', 'OFF')
  bench.file(`${join('lib', basename(dirname(bench.site)), 'site-packages')}/more.py`, '')
  // What is not as it was is looked at.
  t.is(await opened('start', 'SOURCE_CHANGED'), plain + 1)
})

each('PYCDS=report tells of the snapshot, PYCDS_SNAPSHOT=off leaves it', async (t, python) => {
  const bench = await frozen(t, python)
  const report = async (snapshot: string) => {
    const env = { PYCDS: 'report', PYCDS_SNAPSHOT: snapshot }
    return (await bench.startRaw(['-c', 'pass'], { env })).stderr
  }
  t.regex(
    await report(bench.snapshot),
    /^pycds\[\d+\]: snapshot \S+app\.snap: thawed in \d+\.\d ms, but none of its modules is used, since the archive is not: MISSING\n/,
  )
  t.regex(
    await report('/not/there'),
    /^pycds\[\d+\]: snapshot \/not\/there not used: MISSING: the snapshot cannot be opened\n/,
  )
  t.notRegex(await report('off'), /snapshot/)
  t.is((await bench.start(['-c', 'pass'], { env: { PYCDS_LOG: undefined } })).stderr, '')
})
