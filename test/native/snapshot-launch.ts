// SPDX-License-Identifier: Apache-2.0
// A program in front of an entrypoint, which goes on in the snapshot at once: nothing may tell it from a Python that was
// started, and whatever it does not know it leaves to that.
import { chmodSync, mkdirSync, readFileSync, realpathSync } from 'node:fs'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import type { Python } from '../helpers/interpreters.js'
import { PATH } from '../helpers/interpreters.js'
import { inRepository } from '../helpers/repository.js'
import { run } from '../helpers/run.js'
import { notRoot, unless } from '../helpers/skipped.js'
import {
  comparable,
  findFreezable,
  SnapshotBench,
  type Started,
  type StartOptions,
} from '../helpers/snapshot.js'
import { temporary } from '../helpers/temporary.js'
import { testInTurn } from '../helpers/test-in-turn.js'

const STATE = readFileSync(inRepository('test/fixtures/snapshot/state.py'), 'utf8')
const START = inRepository('prebuilds/linux-x64/pycds-start')
const INPUT = 'first\r\nsecond\n'

const pythons = findFreezable()
if (pythons.length === 0)
  test.skip('no CPython on this machine that can be frozen: no launch is tested', () => undefined)

function each(title: string, run: (t: ExecutionContext, python: Python) => Promise<void>): void {
  for (const python of pythons) testInTurn(`${python.version}: ${title}`, (t) => run(t, python))
}

async function frozen(
  t: ExecutionContext,
  python: Python,
  env: StartOptions['env'] = {},
  options: readonly string[] = [],
) {
  const bench = new SnapshotBench(t, python)
  bench.file('state.py', STATE)
  await bench.freeze(options, env)
  return bench
}

/** As the program in front of it is the one file that the kernel knows: docs/compatibility.md. */
function asPython<T extends Started>(started: T, python: Python): T {
  const named = (text: string) => text.replaceAll(START, realpathSync(python.path))
  return { ...started, stdout: named(started.stdout), stderr: named(started.stderr) }
}

/** What is the same however Python came to be. */
function shown({ snapshot: _, notAtOnce: __, ...ended }: Started) {
  return comparable(ended)
}

interface Expected {
  /** Why Python is started first. */
  reason?: string
  /** False: nobody hears whether there was a snapshot. */
  heard?: false
}

/** Starts Python, and the program in front of it. */
async function compare(
  t: ExecutionContext,
  { bench, python }: { bench: SnapshotBench; python: Python },
  what: string,
  args: readonly string[],
  { reason, ...o }: StartOptions & Expected = {},
): Promise<Started> {
  const plain = await bench.startPlain(args, o)
  const launched = await bench.start(args, { ...o, through: [START] })
  t.deepEqual(shown(asPython(launched, python)), shown(plain), what)
  t.is(launched.notAtOnce, reason, what)
  if (reason === undefined && o.heard !== false) t.is(launched.snapshot, 'thawed', what)
  return launched
}

each('a program sees the same, however it is named', async (t, python) => {
  const bench = await frozen(t, python)
  bench.file('sub/__init__.py', '')
  bench.file('sub/state.py', STATE)
  bench.file('package/__main__.py', STATE)
  for (const args of [
    ['state.py', 'one two', '', '-x'],
    ['./state.py', '-c'],
    [join(bench.directory, 'state.py')],
    ['-c', STATE, 'one', '-m'],
    ['-m', 'state', 'one'],
    ['-m', 'sub.state'],
    ['package', 'one'],
  ]) {
    await compare(t, { bench, python }, args.join(' '), args, { input: INPUT })
  }
})

const SETTINGS: Record<string, StartOptions & Expected> = {
  'no standard input': { redirect: '<&-' },
  'no standard output': { redirect: '1<&-', env: { PLACE: '2' } },
  'streams that are files': { redirect: '<state.py >out.txt; cat out.txt' },
  'an ignored SIGHUP': { shell: "trap '' HUP" },
  'an ignored SIGINT': { shell: "trap '' INT" },
  'an ignored SIGPIPE': { shell: "trap '' PIPE" },
  'no standard error': { redirect: '2<&-', heard: false },
  'no standard stream': { redirect: '9>&1 0<&- 1<&- 2<&-', env: { PLACE: '9' }, heard: false },
  'a small stack': { shell: 'ulimit -s 1024', reason: 'MEMORY' },
  'a small stack with much on it': {
    shell: 'ulimit -s 192',
    env: { A: 'x'.repeat(40_000) },
    reason: 'MEMORY',
  },
  'little memory': { shell: 'ulimit -v 150000', reason: 'MEMORY' },
  'a file for standard input': { redirect: '<state.py' },
  'a stack without a limit': { shell: 'ulimit -s unlimited' },
  'another mask of modes': { shell: 'umask 077' },
  'further variables': { env: { FOO: 'bär', EMPTY: '', A: 'x'.repeat(5000) } },
  'few variables': { env: { PATH: undefined } },
  'a path that depends on the directory': { env: { PYTHONPATH: 'sub' }, reason: 'ENVIRONMENT' },
  'many variables': { env: { A: 'x'.repeat(130_000), B: 'y'.repeat(100_000) }, reason: 'MEMORY' },
  'another directory': { cwd: '/' },
}

each('it finds streams, signals, limits and variables as they are', async (t, python) => {
  const bench = await frozen(t, python)
  const program = join(bench.directory, 'state.py')
  for (const [what, o] of Object.entries(SETTINGS))
    await compare(t, { bench, python }, what, [program], { input: INPUT, ...o })
})

each('the kernel tells of it as of a Python', async (t, python) => {
  const bench = await frozen(t, python)
  const program = [
    'import ctypes, os, signal, subprocess, sys',
    'for name in ("cmdline", "comm"): print(open(f"/proc/self/{name}", "rb").read())',
    'variables = open("/proc/self/environ", "rb").read().split(b"\\0")',
    'print([one for one in variables if not one.startswith(b"PYCDS_SNAPSHOT=")])',
    'print([line for line in open("/proc/self/status") if line.startswith(("Sig", "Shd")) and "SigQ" not in line])',
    'value = ctypes.CDLL(None).getauxval; value.restype = ctypes.c_ulong; print(ctypes.string_at(value(31)))',
    'print(subprocess.run([sys.executable, "-c", "import signal; print(signal.getsignal(signal.SIGPIPE))"], capture_output=True).stdout)',
    'os.kill(os.getpid(), signal.SIGPIPE); os.kill(os.getpid(), signal.SIGINT)',
  ].join('\n')
  await compare(t, { bench, python }, 'the kernel', ['-c', program, 'word'])
})

each('a search path that depends on the directory is left to Python', async (t, python) => {
  for (const [path, reason] of [
    ['/usr/share:/opt'],
    ['sub', 'SEARCH_PATH'],
    ['/opt:sub', 'SEARCH_PATH'],
    ['/opt::/usr', 'SEARCH_PATH'],
    ['/opt:', 'SEARCH_PATH'],
  ] as const) {
    const env = { PYTHONPATH: path }
    const bench = new SnapshotBench(t, python)
    bench.file('state.py', STATE)
    const ended = await bench.tryToFreeze([], env)
    if (ended.code !== 0) t.regex(ended.stderr, /depends on the working directory/)
    else
      await compare(t, { bench, python }, path, ['state.py'], {
        env,
        input: INPUT,
        ...(reason && { reason }),
      })
  }
})

each('where the locale is C it sets what Python sets', async (t, python) => {
  const bench = new SnapshotBench(t, python)
  bench.file('state.py', STATE)
  const without = { LANG: undefined }
  await bench.freeze([], without)
  for (const env of [without, { LANG: 'C' }, { LANG: 'POSIX' }]) {
    const reason = env.LANG === undefined ? {} : { reason: 'ENVIRONMENT' }
    await compare(t, { bench, python }, `LANG=${env.LANG}`, ['state.py'], { env, input: INPUT, ...reason })
  }
  const coerced = { ...without, LC_CTYPE: 'C.UTF-8' }
  const reason = 'ENVIRONMENT'
  await compare(t, { bench, python }, 'LC_CTYPE', ['state.py'], { env: coerced, input: INPUT, reason })
  // Nor does a Python that has started, which is in another mode then.
  await bench.compare(t, 'LC_CTYPE', ['state.py'], { env: coerced, input: INPUT }, 'CONFIGURATION')
})

each('a script is started as its first line says', async (t, python) => {
  const bench = await frozen(t, python)
  const env = { PATH: `${join(bench.directory, 'bin')}:${PATH}` }
  const lines: [string, string?][] = [
    [`#!${bench.python}\n`],
    [`#! ${bench.python} \n`],
    ['#!/usr/bin/env python3\n'],
    [`#!${bench.python} -u\n`, 'ENTRYPOINT'],
    ['#!/usr/bin/env -S python3 -u\n', 'ENTRYPOINT'],
    ['#!/usr/bin/env python3\r\n', 'ENTRYPOINT'],
    ['#!/bin/sh\n"exec" "python3" "$0" "$@"\n', 'ENTRYPOINT'],
  ]
  for (const [number, [line, reason]] of lines.entries()) {
    const script = bench.file(`bin/script-${number}`, `${line}${STATE}`)
    chmodSync(script, 0o755)
    for (const word of [script, `script-${number}`]) {
      const off = { ...env, PYCDS_SNAPSHOT: 'off' }
      const plain = await bench.startWords([script, 'one'], { env: off, input: INPUT })
      const launched = await bench.startWords([START, word, 'one'], { env, input: INPUT })
      const stdout = plain.stdout.replaceAll("'off'", `'${bench.snapshot}'`)
      t.deepEqual(shown(asPython(launched, python)), shown({ ...plain, stdout }), line)
      t.is(launched.notAtOnce, reason, line)
    }
  }
})

each('what it does not know is left to Python', async (t, python) => {
  const bench = await frozen(t, python)
  const other = join(bench.directory, 'other')
  mkdirSync(other)
  const cases: [string, readonly string[], StartOptions & { reason: string }][] = [
    ['an option', ['-B', 'state.py'], { reason: 'ENTRYPOINT' }],
    ['options in one word', ['-Bc', 'print(1)'], { reason: 'ENTRYPOINT' }],
    ['a program from standard input', [], { reason: 'ENTRYPOINT' }],
    ['-', ['-'], { reason: 'ENTRYPOINT' }],
    ['-m without a name', ['-m'], { reason: 'ENTRYPOINT' }],
    ['words that are not ASCII', ['state.py', 'ä'], { reason: 'ENTRYPOINT' }],
    ['a file that is not there', ['not-there.py'], { reason: 'ENTRYPOINT' }],
    ['a variable of Python', ['state.py'], { env: { PYTHONUTF8: '0' }, reason: 'ENVIRONMENT' }],
    ['a library in front', ['state.py'], { env: { LD_PRELOAD: 'libm.so.6' }, reason: 'ENVIRONMENT' }],
    ['a snapshot that is not there', ['state.py'], { env: { PYCDS_SNAPSHOT: other }, reason: 'MISSING' }],
    ['a start without', ['state.py'], { env: { PYCDS: 'off' }, reason: 'OFF' }],
    ['a start that learns', ['-c', 'print(1)'], { env: { PYCDS_LEARN: other }, reason: 'OFF' }],
  ]
  for (const [what, args, o] of cases)
    await compare(t, { bench, python }, what, args, { input: 'print(5)\n', ...o })
})

each('options of the snapshot are those of the start, or Python reads them', async (t, python) => {
  const plain = await frozen(t, python)
  const env = { PYTHONUNBUFFERED: '1' }
  for (const o of [{}, { env }]) {
    await compare(t, { bench: plain, python }, '-u', ['-u', 'state.py', 'one'], { input: INPUT, ...o })
    await compare(t, { bench: plain, python }, '-u -m', ['-u', '-u', '-m', 'state'], { input: INPUT, ...o })
  }
  await compare(t, { bench: plain, python }, 'a variable', ['state.py'], { env, input: INPUT })
  const unbuffered = await frozen(t, python, {}, ['-u'])
  await compare(t, { bench: unbuffered, python }, '-u', ['-u', 'state.py'], { input: INPUT })
  const reason = 'CONFIGURATION'
  await compare(t, { bench: unbuffered, python }, 'no -u', ['state.py'], { input: INPUT, reason })
  const optimized = await frozen(t, python, {}, ['-O'])
  await compare(t, { bench: optimized, python }, 'no -O', ['state.py'], {
    input: INPUT,
    reason: 'ENTRYPOINT',
  })
})

each('a program that executes its own file becomes Python', async (t, python) => {
  const bench = await frozen(t, python)
  const again = 'import sys; print(sys.executable, sys.argv, sys.orig_argv[1:], sys.prefix)'
  bench.file(
    'again.py',
    `import os, sys\nos.execv("/proc/self/exe", [sys.executable, "-c", ${JSON.stringify(again)}, "x"])\n`,
  )
  await compare(t, { bench, python }, 'its own file', ['again.py'], { heard: false })
})

const withStart = process.arch === 'x64' ? test : test.skip

withStart(
  'what has no first line for the kernel is run by a shell, as the init of an engine does it',
  async (t) => {
    const directory = temporary(t, { script: 'echo "$0" "$@"\n' })
    const script = join(directory, 'script')
    chmodSync(script, 0o755)
    t.is((await run(START, [script, 'a b'])).stdout, `${script} a b\n`)
    const named = await run(START, ['script', 'a b'], { env: { PATH: `/nowhere:${directory}` } })
    t.is(named.stdout, `${script} a b\n`)
  },
)

each('a snapshot that was changed, or is of another start, is not used', async (t, python) => {
  const bench = await frozen(t, python)
  const body = readFileSync(bench.snapshot)
  for (const [what, change, reason] of [
    ['another byte', (bytes: Buffer) => bytes.writeUInt8(bytes.readUInt8(700) ^ 1, 700), 'DAMAGED'],
    ['another format', (bytes: Buffer) => bytes.writeUInt32LE(1, 8), 'FORMAT'],
  ] as const) {
    const bytes = Buffer.from(body)
    change(bytes)
    const changed = bench.file('changed.snap', bytes)
    await compare(t, { bench, python }, what, ['state.py'], { env: { PYCDS_SNAPSHOT: changed }, reason })
  }
  bench.file('lib/extra.pth', 'x')
  bench.file(`${bench.site}/extra.pth`.slice(bench.directory.length + 1), '/tmp\n')
  await compare(t, { bench, python }, 'a path file', ['state.py'], { reason: 'SOURCE_CHANGED' })
})

/** Of a file: CAP_NET_BIND_SERVICE, permitted; man 7 capabilities. */
const CAPABILITY = 'bytes([0, 0, 0, 2, 0, 4, 0, 0]) + bytes(12)'

for (const python of pythons) {
  const title = `${python.version}: a Python with rights of its own is started by the kernel, which gives them`
  unless(notRoot, testInTurn)(title, async (t) => {
    const bench = new SnapshotBench(t, python)
    bench.file('state.py', STATE)
    bench.ownProgram(python)
    await bench.freeze()
    const set = `import os; os.setxattr(${JSON.stringify(bench.python)}, "security.capability", ${CAPABILITY})`
    const ended = await bench.startPlain(['-c', set])
    t.is(ended.code, 0, ended.stderr)
    const program = 'print([line for line in open("/proc/self/status") if line.startswith("Cap")])'
    const { notAtOnce } = await bench.start(['-c', program], { through: [START] })
    t.is(notAtOnce, 'ENTRYPOINT')
  })
}

each('any other program is started as it is', async (t, python) => {
  const bench = await frozen(t, python)
  const script = bench.file('bin/script', 'echo "$0"; echo "$1" >&2; exit 7\n')
  const cases: [string[], Partial<Started>][] = [
    [['/bin/sh', '-c', 'echo "$0 $1"; exit 3', 'a', 'b'], { code: 3, stdout: 'a b\n' }],
    [['sh', '-c', 'kill -9 $$'], { signal: 'SIGKILL' }],
    [['/bin/sh', script, 'x'], { code: 7, stdout: `${script}\n`, stderr: 'x\n' }],
    [['not-there'], { code: 127, stderr: 'pycds: cannot start not-there: No such file or directory\n' }],
    [[bench.directory], { code: 126, stderr: `pycds: cannot start ${bench.directory}: Permission denied\n` }],
    [[], { code: 127, stderr: 'pycds: no command to start\n' }],
  ]
  for (const [words, expected] of cases) {
    const ended = await bench.startWords([START, ...words], { env: { PYCDS_LOG: undefined } })
    t.like(ended, expected, words.join(' '))
  }
})

each(
  'a script without a first line is found as programs are, a directory of its name is not',
  async (t, python) => {
    const bench = await frozen(t, python)
    const tool = bench.file('second/tool', 'echo "$0 $1"; exit 7\n')
    chmodSync(tool, 0o755)
    mkdirSync(join(bench.directory, 'first/tool'), { recursive: true })
    const path = ['first', 'second'].map((name) => join(bench.directory, name)).join(':')
    const ended = await bench.startWords([START, 'tool', 'x'], { env: { PYCDS_LOG: undefined, PATH: path } })
    t.like(ended, { code: 7, stdout: `${tool} x\n`, stderr: '' })
  },
)
