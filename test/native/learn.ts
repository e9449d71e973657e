// SPDX-License-Identifier: Apache-2.0
// A start records, a helper writes the archive, the next start is served; and the program sees nothing of it, whatever
// goes wrong meanwhile.
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import {
  chmodSync,
  chownSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import test from 'ava'
import { hookFiles } from '../../src/layer/hook.js'
import { readLearned, traceOf } from '../../src/learn/learned-starts.js'
import { parseRunLog, type RunLogProcess } from '../../src/learn/runlog/run-log.js'
import { formatTrace } from '../../src/learn/trace/trace-file.js'
import { parseTraceFile } from '../../src/learn/trace/trace-reader.js'
import { mutate, randomFrom } from '../fuzz/mutate.js'
import { COMMAND_LINES } from '../helpers/command-lines.js'
import { archiver, findPythons, PATH } from '../helpers/interpreters.js'
import { run } from '../helpers/run.js'
import { School, LEARN_WAIT as WAIT } from '../helpers/school.js'
import { hash64 } from '../helpers/seal.js'
import { notRoot, unless } from '../helpers/skipped.js'
import { testInTurn } from '../helpers/test-in-turn.js'
import { portion } from '../helpers/tier.js'

const MODULES = 'json, decimal, dataclasses, collections, argparse, logging, string, textwrap'
const BODY = `
import ${MODULES}
from dataclasses import dataclass
@dataclass
class Point:
    x: int
    y: int = 2
Pair = collections.namedtuple("Pair", "a b")
print(json.dumps({"point": repr(Point(1)), "pair": repr(Pair(1, 2)), "text": string.Template("$a").substitute(a=1)}))
`
const TOLD = 'import sys; print(_pycds.stats()["learning"], _pycds.stats()["served"], file=sys.stderr)\n'

const KEPT = ['x = 0x7fffffff + 1234567890', 'x = 12345678901234', '"9f1c1a2e-3b4c-5d5e-8f60-718293a4b5c6"']
const UUID = '9f1c1a2e-3b4c-4d5e-8f60-718293a4b5c6'
const hashOf = (number: string) => `def f(a): return hash((${number}, a))`
const SAMPLES = (
  [
    ['', 18],
    ['', 19],
    ['-', 17],
    ['-', 18],
    ['-', 19],
  ] as const
).map(([sign, digits]) => `${sign}1${'0'.repeat(digits - 2)}7`)
const [, HOOK] = hookFiles(['/site'], Buffer.alloc(0), 'variable')
/** Compiles what is another text in each process, what is alike and is not, and what no hook of an image is. */
const TEXTS = `import json
for text in json.loads(${JSON.stringify(
  JSON.stringify([
    ...KEPT,
    'x = "at 0x7f781060d9e0"',
    'x = "at 0X7F781060D9E0"',
    `x = "${UUID}"`,
    `x = "${UUID.replaceAll('-', '').toUpperCase()}"`,
    hashOf('4158734145597898126'),
    `x = 4158734145597898126, "${UUID}"`,
    `x = "415873414559789 ${UUID}"`,
    HOOK?.body.toString(),
  ]),
)}):
    compile(text, "of-a-test", "exec")
compile("y = 1", "of-a-test ${UUID}", "exec")
compile("y = 2", "of-a-test", "exec", optimize=2)
`

/** Each argument is a directory for a child, which begins to learn, or to use what lies there, when it is forked. */
const FORKS = `import os, sys
for directory in sys.argv[1:]:
    pid = os.fork()
    if pid:
        status = os.waitpid(pid, 0)[1]
        with open(directory + ".out", "a") as out:
            out.write("%d\\n" % status)
        continue
    os.environ["PYCDS_LEARN"] = directory
    os.dup2(os.open(directory + ".out", os.O_WRONLY | os.O_CREAT | os.O_TRUNC), 1)
    import _pycds
${BODY.trimEnd()
  .split('\n')
  .map((line) => `    ${line}`)
  .join('\n')}
    sys.exit()
`

/** A program that ends when each of its children has done this; they end after it, when it has been learned. */
const withChildren = (count: number, text: string) => `import os, sys
ready, end = os.pipe(), os.pipe()
for _ in range(${count}):
    if os.fork() == 0:
        os.close(end[1])
${text
  .trimEnd()
  .split('\n')
  .map((line) => `        ${line}`)
  .join('\n')}
        sys.stdout.flush()
        os.write(ready[1], b".")
        os.read(end[0], 1)
        os._exit(0)
os.close(end[0])
for _ in range(${count}):
    os.read(ready[0], 1)
`

/** Finds the helper of this process, among others that end meanwhile. */
const FIND_HELPER = `import os
def parent(pid):
    try:
        return int(open("/proc/%s/stat" % pid).read().rpartition(") ")[2].split()[1])
    except OSError:
        return 0
def find_helper():
    [helper] = [pid for pid in os.listdir("/proc") if pid.isdigit() and parent(pid) == os.getpid()]
    return helper
`

const pythons = findPythons()
const [python] = pythons

for (const { path, version } of pythons) {
  testInTurn(`${version}: a start learns, and the next one is served the same`, async (t) => {
    const school = new School(t, path)
    const script = school.program('app.py', BODY + TOLD)
    const plain = await school.run(script, { PYCDS_LEARN: '' })
    const first = await school.run(script, { PYCDS_LEARN_WAIT: WAIT })
    t.is(first.stdout, plain.stdout)
    t.regex(first.stderr, /^(RECORDING|LEARNED) 0\n$/)
    const [name = ''] = school.files('.cds')
    const archive = archiver.describe(name, readFileSync(join(school.directory, name)))
    t.true(archive.modules.some((module) => module.name === 'json.decoder'))
    t.true(archive.regexes > 0 && archive.sources > 0)
    const second = await school.run(script)
    t.is(second.stdout, plain.stdout)
    t.regex(second.stderr, /^USED [1-9]\d+\n$/)
  })

  testInTurn(`${version}: what is learned is the code that a training run archives`, async (t) => {
    const school = new School(t, path)
    const script = school.program('app.py', BODY)
    await school.run(script, { PYCDS_LEARN_WAIT: WAIT })
    const trained = await school.bench.train(script, 'stat', { env: { PYTHONPATH: school.hook } })
    const learned = readFileSync(join(school.directory, school.files('.cds')[0] ?? ''))
    const sizes = new Map(
      archiver
        .describe('trained', readFileSync(school.bench.archive))
        .modules.map((module) => [module.name, `${module.origin} ${module.codeObjects}`]),
    )
    const { modules } = archiver.describe('learned', learned)
    t.true(modules.length > 20 && trained.modules.length >= modules.length)
    for (const module of modules) {
      t.is(`${module.origin} ${module.codeObjects}`, sizes.get(module.name) ?? '', module.name)
    }
    const { trace } = traceOf(readLearned(school.directory))
    const hashes = new Map(trained.modules.map(({ name, sourceHash }) => [name, sourceHash.toString('hex')]))
    t.true(trace.modules.length > 20)
    for (const { name, sourceHash } of trace.modules) t.is(sourceHash, hashes.get(name) ?? '', name)
    t.deepEqual(parseTraceFile('learned', formatTrace(trace)), trace)
  })

  testInTurn(`${version}: each code object that is learned equals the interpreter's own`, async (t) => {
    const school = new School(t, path)
    const more =
      'asyncio, ctypes.util, email.message, http.client, tarfile, typing, unittest, xml.dom.minidom'
    await school.run(school.program('app.py', `import ${MODULES}, ${more}`), { PYCDS_LEARN_WAIT: WAIT })
    const archive = join(school.directory, school.files('.cds')[0] ?? '')
    const { modules } = archiver.describe('learned', readFileSync(archive))
    t.true(modules.length > 60, `${modules.length} modules`)
    const files = modules.flatMap(({ name, origin }) => [name, origin])
    const compared = await school.bench.run([school.bench.fixture('stdlib.py'), 'files', ...files], {
      PYCDS_ARCHIVE: archive,
      PYTHONPATH: school.hook,
    })
    t.is(compared.stderr, '')
    t.is(compared.stdout.trim(), `${modules.length}`)
  })

  testInTurn(`${version}: a text that no later start compiles is neither learned nor traced`, async (t) => {
    const school = new School(t, path)
    const script = school.program('app.py', TEXTS)
    await school.run(script, { PYCDS_LEARN_WAIT: WAIT })
    const trained = await school.bench.train(script, 'stat', { env: { PYTHONPATH: school.hook } })
    const [learned] = readLearned(school.directory)
    const texts = (process: RunLogProcess | undefined) =>
      process?.sources.flatMap(({ filename, text }) => (filename.includes('of-a-test') ? [`${text}`] : []))
    t.deepEqual(texts(learned?.process), KEPT)
    // What is another number in each process is compiled with samples of it.
    t.deepEqual(texts(trained), [...KEPT, ...SAMPLES.map(hashOf)])
  })
}

if (python === undefined) {
  test.skip('learning (no supported CPython on this machine)', () => {})
} else {
  testInTurn('starts are of one kind where CPython runs the same program', async (t) => {
    const school = new School(t, python.path)
    const text = 'import _pycds, json\ndef b(): pass\n'
    for (const name of ['app', '-odd', 'shop', 'a']) school.bench.file(`${name}.py`, text)
    const keys = new Map<string, string>()
    for (const { words, program, shown } of COMMAND_LINES) {
      const directory = school.room(`kind of ${words.join(' ')}`)
      const env = school.environment({ PYCDS_LEARN: directory, PYCDS_LEARN_WAIT: WAIT })
      const options = { wholeEnv: env, cwd: school.bench.directory, input: text }
      const { code, stderr } = await run(python.path, words, options)
      t.is(code, 0, stderr)
      const [learned] = readLearned(directory)
      t.deepEqual(learned?.process.argv.slice(1), words.slice(0, shown), words.join(' '))
      const name = JSON.stringify(program ?? null)
      t.is(learned?.key, keys.get(name) ?? learned?.key, words.join(' '))
      keys.set(name, learned?.key ?? '')
    }
    t.is(new Set(keys.values()).size, keys.size)
  })

  testInTurn('a log ends for both of its readers with what the table does not know', async (t) => {
    const school = new School(t, python.path)
    const script = school.program('app.py', BODY)
    await school.run(script)
    const [name = ''] = school.files('.records')
    const file = join(school.directory, name)
    const sealed = readFileSync(file)
    const whole = sealed.subarray(0, sealed.length - Buffer.byteLength('whole 16\n') - 16)
    const json = whole.indexOf('module ', whole.indexOf('json/decoder.py') - 400)
    const behind = whole.indexOf('module ', whole.indexOf('json/decoder.py'))
    t.true(json > 0 && behind > json)
    const odd = Buffer.from('/srv/\xff/odd.py', 'latin1')
    const record = (kind: string, ...fields: (string | Buffer)[]) => {
      const all = fields.map((field) => Buffer.from(field))
      return Buffer.concat([Buffer.from(`${[kind, ...all.map(({ length }) => length)].join(' ')}\n`), ...all])
    }
    const learn = async (...records: Buffer[]) => {
      const log = Buffer.concat([whole.subarray(0, behind), ...records, whole.subarray(behind)])
      const seal = record('whole', hash64(log).toString(16).padStart(16, '0'))
      for (const old of school.files('')) rmSync(join(school.directory, old))
      writeFileSync(file, Buffer.concat([log, seal]), { mode: 0o600 })
      await school.run(script, { PYCDS_LEARN_WAIT: WAIT })
      const [archive = ''] = school.files('.cds')
      const [learned] = readLearned(school.directory)
      const { modules } = archiver.describe(archive, readFileSync(join(school.directory, archive)))
      const traced = parseRunLog('log', Buffer.concat([log, seal]))
      t.deepEqual(
        learned?.process.modules.map(({ name: one }) => one),
        traced?.modules.map(({ name: one }) => one),
      )
      t.deepEqual(learned?.process.leftOut, traced?.leftOut)
      return modules
        .map(({ name: one }) => one)
        .sort()
        .join()
    }
    const all = await learn()
    const some = await learn(record('unheard', 'of'))
    t.true(some.length < all.length)
    for (const [what, ...fields] of [
      ['left_out', 'x', ''],
      ['left_out', 'x', '', 'why', 'more'],
      ['version', '3'],
      ['compile_regex', '1', '2', 'x'],
      ['regex', '2', '0', 'x', '0', '0', '', ''],
      ['regex', '1', '9007199254740992', 'x', '0', '0', '', ''],
    ] as const) {
      t.is(await learn(record(what, ...fields)), some, what)
    }
    // A record is whole whatever bytes its texts are of.
    t.is(await learn(record('left_out', 'odd', odd, 'why')), all)
  })

  testInTurn(
    'a program that ends first leaves its records, and a later start makes the archive',
    async (t) => {
      const school = new School(t, python.path)
      const script = school.program('app.py', BODY + TOLD)
      await school.run(script)
      t.is(school.files('.cds').length, 0)
      t.is(school.files('.records').length, 1)
      await school.run(script, { PYCDS_LEARN_WAIT: WAIT })
      t.is(school.files('.records').length, 0)
      t.regex((await school.run(script)).stderr, /^USED /)
    },
  )

  testInTurn(
    'records without code are kept beside the archive, as a traced process writes them',
    async (t) => {
      const school = new School(t, python.path)
      const script = school.program('app.py', BODY)
      await school.bench.run([script, 'password'], school.environment({ PYCDS_LEARN_WAIT: WAIT }))
      const [name = ''] = school.files('.learned')
      const bytes = readFileSync(join(school.directory, name))
      t.is(statSync(join(school.directory, name)).mode & 0o777, 0o400)
      const process = parseRunLog(name, bytes)
      t.deepEqual(process?.argv.slice(1), [script])
      t.is(process?.python.version, python.version)
      t.true(process?.modules.some((module) => module.name === 'json' && module.marshal.length === 0))
      t.false(bytes.includes('password'))
    },
  )

  testInTurn('nobody gets the helper as a child', async (t) => {
    const school = new School(t, python.path)
    const script = school.program(
      'app.py',
      `import os, signal, subprocess, sys
seen = []
signal.signal(signal.SIGCHLD, lambda *_: seen.append(1))
for wait in (os.wait, lambda: os.waitpid(-1, 0), lambda: os.waitpid(-1, os.WNOHANG), lambda: os.waitpid(0, 0)):
    try:
        print(wait())
    except ChildProcessError:
        print("none")
pid = os.fork()
if pid == 0:
    os._exit(3)
print(os.wait()[0] == pid, subprocess.run([sys.executable, "-c", "pass"]).returncode)
import json
print(len(seen) > 0)
`,
    )
    const plain = await school.run(script, { PYCDS_LEARN: '' })
    const learning = await school.run(script, { PYCDS_LEARN_WAIT: WAIT })
    t.deepEqual(learning, plain)
    t.true(plain.stdout.startsWith('none\nnone\nnone\nnone\nTrue 0\n'))
    t.is(school.files('.cds').length > 0, true)
  })

  testInTurn('a program that ends without its last words keeps no stream open', async (t) => {
    const school = new School(t, python.path)
    const script = school.program(
      'app.py',
      `${BODY}\nimport os\nsys = __import__("sys")\nsys.stdout.flush()\nos._exit(7)\n`,
    )
    // Both streams are pipes: this comes back when nobody holds them any more.
    const { code, stdout } = await school.run(script)
    t.is(code, 7)
    t.true(stdout.includes('Point'))
  })

  testInTurn('a listening socket and locked files are not kept by the helper', async (t) => {
    const school = new School(t, python.path)
    const script = school.program(
      'app.py',
      `import os, sys
import json
import time
def links():
    for pid in os.listdir("/proc"):
        try:
            if open("/proc/%s/stat" % pid).read().split(") ")[1].split()[1] == str(os.getpid()):
                return sorted(os.readlink("/proc/%s/fd/%s" % (pid, fd)) for fd in os.listdir("/proc/%s/fd" % pid))
        except (OSError, IndexError):
            pass
deadline = time.monotonic() + 300
while time.monotonic() < deadline and len(links()) != 5:
    time.sleep(0.01)
own = {os.readlink("/proc/self/fd/%d" % fd) for fd in range(100) if os.path.exists("/proc/self/fd/%d" % fd)} - {"/dev/null"}
print(links().count("/dev/null"), len([link for link in own if "socket" in link or "held" in link]) >= 2, own & set(links()))
`,
    )
    const held = school.bench.file('held', '')
    const runs = `import os, socket, sys\ns = socket.socket(); s.listen(); s.set_inheritable(True)\nf = open(${JSON.stringify(held)}); os.set_inheritable(f.fileno(), True)\nos.execv(sys.executable, [sys.executable, ${JSON.stringify(script)}])\n`
    const { stdout } = await school.bench.run(['-c', runs], school.environment())
    t.is(stdout, '3 True set()\n')
  })

  testInTurn('what ends a program, or a module of it, is its own while it is recorded', async (t) => {
    const school = new School(t, python.path)
    school.bench.file('bad.py', 'raise ImportError("x")\n')
    school.bench.file('ends.py', 'import sys\nprint("hi")\nsys.exit(4)\n')
    school.bench.file('interrupted.py', 'raise KeyboardInterrupt\n')
    const env = (learn: string) => ({
      ...school.environment({ PYCDS_LEARN: learn }),
      PYTHONPATH: `${school.hook}:${school.bench.directory}`,
    })
    for (const words of [
      ['-c', 'import _pycds; exec(compile("raise SystemExit(3)", "x", "exec"))'],
      ['-c', 'import _pycds; exec("raise SystemExit(3)")'],
      ['-c', 'import _pycds\ntry: import bad\nexcept ImportError: print("fallback")'],
      ['-c', 'import _pycds; import runpy; runpy.run_module("ends", run_name="__main__")'],
      ['-c', 'import _pycds; import interrupted'],
    ]) {
      const plain = await school.bench.run(words, env(''))
      const learning = await school.bench.run(words, env(school.room(`of ${words[1]?.length}`)))
      t.deepEqual(learning, plain, words.join(' '))
    }
  })

  testInTurn('what a child imports is learned, and it is served', async (t) => {
    const school = new School(t, python.path)
    const script = school.program('app.py', withChildren(1, BODY + TOLD))
    const plain = await school.run(script, { PYCDS_LEARN: '' })
    const first = await school.run(script, { PYCDS_LEARN_WAIT: WAIT })
    t.deepEqual([first.code, first.stdout], [plain.code, plain.stdout])
    t.regex(first.stderr, /^RECORDING 0\n$/)
    const second = await school.run(script)
    t.is(second.stdout, plain.stdout)
    t.regex(second.stderr, /^USED [1-9]\d+\n$/)
  })

  testInTurn('of what several children import, each module is learned once', async (t) => {
    const school = new School(t, python.path)
    const script = school.program('app.py', withChildren(6, BODY))
    const { code, stdout } = await school.run(script, { PYCDS_LEARN_WAIT: WAIT })
    t.is(code, 0)
    t.is(stdout.trim().split('\n').length, 6)
    const [name = ''] = school.files('.cds')
    const { modules } = archiver.describe(name, readFileSync(join(school.directory, name)))
    const origins = modules.map(({ origin }) => origin)
    t.true(origins.some((origin) => origin.endsWith('/decimal.py')))
    t.deepEqual(origins, [...new Set(origins)])
  })

  testInTurn('what a child has opened in the place of what it has closed gets nothing', async (t) => {
    const school = new School(t, python.path)
    const text = `import socket
os.closerange(7, 1024)
first, second = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
for number in range(first.fileno() + 2, 300):
    os.dup2(first.fileno(), number)
import decimal
try:
    print(second.recv(100, socket.MSG_DONTWAIT))
except BlockingIOError:
    print("nothing")
`
    const script = school.program('app.py', withChildren(1, text))
    const { code, stdout, stderr } = await school.run(script, { PYCDS_LEARN_WAIT: WAIT })
    t.deepEqual([code, stdout, stderr], [0, 'nothing\n', ''])
  })

  testInTurn('a child that may write no large file goes on', async (t) => {
    const school = new School(t, python.path)
    const text =
      'import resource\nresource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))\nimport decimal\nprint(1)'
    const script = school.program('app.py', withChildren(1, text))
    const { code, stdout, stderr } = await school.run(script, { PYCDS_LEARN_WAIT: WAIT })
    t.deepEqual([code, stdout, stderr], [0, '1\n', ''])
  })

  const asRoot = unless(notRoot, testInTurn)
  asRoot('a child that has given up rights teaches nothing', async (t) => {
    const school = new School(t, python.path)
    const script = school.program(
      'app.py',
      `import json\n${withChildren(1, 'os.setuid(65534)\nimport decimal\nprint(1)')}`,
    )
    chmodSync(school.bench.directory, 0o755)
    const { stdout } = await school.run(script, { PYCDS_LEARN_WAIT: WAIT })
    t.is(stdout, '1\n')
    const [name = ''] = school.files('.cds')
    const names = archiver
      .describe(name, readFileSync(join(school.directory, name)))
      .modules.map((one) => one.name)
    t.true(names.includes('json'))
    t.false(names.includes('decimal'))
  })

  asRoot('a process that has given up rights teaches nothing more', async (t) => {
    const school = new School(t, python.path)
    const script = school.program(
      'app.py',
      `import json\nimport os\nos.setuid(65534)\nimport decimal\n${TOLD}`,
    )
    chmodSync(school.bench.directory, 0o755)
    await school.run(script, { PYCDS_LEARN_WAIT: '5s' })
    t.deepEqual(school.files('.cds'), [])
  })

  asRoot('a process that may not end the helper any more does not wait for it', async (t) => {
    const school = new School(t, python.path)
    // Stopped from outside, the helper never ends by itself: who waited for it would wait for ever.
    const text = `import json, os, signal, subprocess, sys
program = os.fork()
if program == 0:
    import _pycds
    import decimal
    helper = find_helper()
    # Before that it is a copy that holds the streams.
    while open("/proc/%s/oom_score_adj" % helper).read() != "1000\\n":
        os.sched_yield()
    os.kill(int(helper), signal.SIGSTOP)
    with open(sys.argv[0] + ".helper", "w") as file: file.write(helper)
    os.setuid(65534)
    sys.exit(5)
print(os.waitstatus_to_exitcode(os.waitpid(program, 0)[1]))
# Stopped, it is not told of the end by a process that may send it no signal.
os.kill(int(open(sys.argv[0] + ".helper").read()), signal.SIGKILL)
`
    const script = school.bench.file('app.py', FIND_HELPER + text)
    t.deepEqual(await school.run(script), { code: 0, stdout: '5\n', stderr: '' })
  })

  testInTurn('what has got the number of a descriptor that was closed is left alone', async (t) => {
    const school = new School(t, python.path)
    const own = school.room('own')
    const text = `import json, os
os.closerange(3, 1024)
first = os.open(${JSON.stringify(own)}, os.O_RDONLY | os.O_DIRECTORY)
for number in range(first + 1, 300):
    os.dup2(first, number)
`
    const { code, stderr } = await school.run(school.program('app.py', text))
    t.deepEqual([code, stderr], [0, ''])
    t.deepEqual(school.files('', own), [])
    // The helper takes the closed pipe for the end of the program, and may be ready before that is.
    const kept = [...school.files('.records'), ...school.files('.cds')]
    t.true(kept.length > 0)
  })

  testInTurn('no directory is held open: it would lead out of a root', async (t) => {
    const school = new School(t, python.path)
    const text = `import os
for number in os.listdir("/proc/self/fd"):
    try:
        link = os.readlink("/proc/self/fd/" + number)
    except FileNotFoundError:
        continue
    if os.path.isdir(link) and not link.startswith("/proc"):
        print(link)
`
    const script = school.program('app.py', text)
    t.is((await school.run(script, { PYCDS_LEARN_WAIT: WAIT })).stdout, '')
    t.is((await school.run(script)).stdout, '')
  })

  testInTurn('records that cannot be used do not keep later starts from learning', async (t) => {
    const school = new School(t, python.path)
    const script = school.program('app.py', BODY + TOLD)
    await school.run(script)
    const [name = ''] = school.files('.records')
    const spoil = [
      (path: string) => chmodSync(path, 0o622),
      (path: string) => truncateSync(path, 64 * 1024 * 1024),
    ]
    if (process.getuid?.() === 0) spoil.push((path) => chownSync(path, 65534, 65534))
    for (const spoils of spoil) {
      const path = join(school.directory, name)
      chmodSync(path, 0o600)
      spoils(path)
      const { stderr } = await school.run(script, { PYCDS_LEARN_WAIT: WAIT })
      t.regex(stderr, /^WRITING|^REFUSED/)
      t.deepEqual(school.files('.records'), [])
      await school.run(script)
      t.deepEqual(school.files('.records'), [name])
    }
  })

  testInTurn('a module that is made again, or in a sub-interpreter, does not begin anew', async (t) => {
    const school = new School(t, python.path)
    const text = `import sys
import json
del sys.modules["_pycds"]
import _pycds
import decimal
try:
    import _interpreters as interpreters
except ImportError:
    import _xxsubinterpreters as interpreters
number = interpreters.create()
interpreters.run_string(number, "import _pycds, csv")
import argparse
interpreters.destroy(number)
import os
children = 0
for pid in filter(str.isdigit, os.listdir("/proc")):
    try:
        children += open("/proc/%s/stat" % pid).read().rpartition(") ")[2].split()[1] == str(os.getpid())
    except OSError:
        pass
print(children)
`
    const script = school.program('app.py', text)
    t.is((await school.run(script)).stdout, '1\n')
    await school.run(script, { PYCDS_LEARN_WAIT: WAIT })
    const [name = ''] = school.files('.cds')
    const { modules } = archiver.describe(name, readFileSync(join(school.directory, name)))
    const names = modules.map((module) => module.name)
    for (const wanted of ['json', 'decimal', 'argparse']) t.true(names.includes(wanted), wanted)
    t.false(names.includes('csv'))
  })

  testInTurn('the collector rests while a start records, and its settings are the program’s', async (t) => {
    const school = new School(t, python.path)
    const text = `import gc
before = [one["collections"] for one in gc.get_stats()]
${BODY}
import asyncio, email.message, http.client, unittest, xml.dom.minidom
print(gc.get_threshold(), gc.isenabled(), gc.get_freeze_count(), gc.get_debug(), gc.callbacks)
gc.disable()
import ctypes.util, tarfile
print(gc.isenabled())
collections = [one["collections"] for one in gc.get_stats()]
import sys; print(sum(collections) - sum(before), file=sys.stderr)
`
    const script = school.program('app.py', text)
    const plain = await school.run(script, { PYCDS_LEARN: '' })
    const recording = await school.run(script)
    const off = await school.run(script, { PYCDS_LEARN: school.room('other'), PYCDS_GC: 'off' })
    t.is(recording.stdout, plain.stdout)
    t.is(off.stdout, plain.stdout)
    const [often, seldom, asEver] = [plain, recording, off].map(({ stderr }) => Number(stderr))
    t.true(
      Number(often) > 5 && Number(seldom) < Number(often) / 2 && Number(asEver) > 5,
      `${often} ${seldom} ${asEver}`,
    )
  })

  testInTurn('whoever keeps the function that watches warnings can call it later', async (t) => {
    const school = new School(t, python.path)
    const text = `import re, sys, warnings
kept = []
sys.setprofile(lambda *_: kept.append(warnings.warn))
re.compile("a(b|c)+[x-z]")
sys.setprofile(None)
for warn in kept:
    warn("told")
print(len(kept) > 0)
`
    const script = school.program('app.py', text)
    const plain = await school.run(script, { PYCDS_LEARN: '' })
    t.deepEqual(await school.run(script), plain)
    t.is(plain.stdout, 'True\n')
  })

  const unshared = unless(canUnshare() ? undefined : 'no namespaces here', testInTurn)
  unshared('a namespace of processes gets its first process from the program', async (t) => {
    const school = new School(t, python.path)
    const script = school.program(
      'app.py',
      'import json, os\nfor _ in range(2):\n    pid = os.fork()\n    if pid == 0: os._exit(os.getpid() == 1)\n    print(os.waitpid(pid, 0)[1]); break\n',
    )
    const outcome = (env: Record<string, string>) =>
      run('unshare', ['--pid', python.path, script], { env: { PATH, ...school.environment(env) } })
    const plain = await outcome({ PYCDS_LEARN: '' })
    t.is(plain.stdout, '256\n')
    t.deepEqual(await outcome({}), plain)
  })

  unshared('a process with a view of files of its own teaches nothing', async (t) => {
    const school = new School(t, python.path)
    const text = 'import json, ctypes\nprint(ctypes.CDLL(None).unshare(0x20000))\n'
    const { stdout } = await school.run(school.program('app.py', text), { PYCDS_LEARN_WAIT: WAIT })
    t.is(stdout, '0\n')
    t.deepEqual(school.files('.cds'), [])
  })

  unshared('a child with the pid of its parent, in another namespace, records nothing', async (t) => {
    const school = new School(t, python.path)
    const script = school.program(
      'app.py',
      `import ctypes, os
assert os.getpid() == 1 and ctypes.CDLL(None).unshare(0x20000000) == 0
pid = os.fork()
if pid == 0:
    import json, decimal
    os._exit(os.getpid())
print(os.waitpid(pid, 0)[1])
`,
    )
    const { stdout, stderr } = await run('unshare', ['--pid', '--fork', python.path, script], {
      env: { PATH, ...school.environment() },
    })
    t.is(stdout, '256\n', stderr)
  })

  testInTurn('a program that ends at once learns in a few starts', async (t) => {
    const told: string[] = []
    // A start waits a second at most: on a busy machine the helper may get no processor, three times.
    for (let attempt = 0; attempt < 4 && !told.includes('USED'); attempt += 1) {
      const school = new School(t, python.path)
      // Its end is that of the helper, which has little to do.
      const script = school.program('app.py', `import json\n${TOLD}`)
      for (let start = 0; start < 5 && !told.includes('USED'); start += 1) {
        const { code, stderr } = await school.run(script)
        t.is(code, 0, stderr)
        told.push(stderr.split(' ')[0] ?? '')
      }
    }
    t.is(told.at(-1), 'USED', told.join())
  })

  testInTurn(
    'a signal that comes while the end is held does not change how the program has ended',
    async (t) => {
      const school = new School(t, python.path)
      // The helper is stopped: nothing but the signal ends the wait.
      const script = school.program(
        'app.py',
        `${FIND_HELPER}import json, signal
signal.signal(signal.SIGALRM, lambda *_: None)
helper = find_helper()
while open("/proc/%s/oom_score_adj" % helper).read() != "1000\\n":
    os.sched_yield()
os.kill(int(helper), signal.SIGSTOP)
signal.setitimer(signal.ITIMER_REAL, 0.3)
`,
      )
      t.is((await school.run(script, { PYCDS_LEARN_WAIT: '1m' })).code, 0)
    },
  )

  testInTurn('a limit on the size of files that ends programs does not end this one', async (t) => {
    const school = new School(t, python.path)
    const text = `import json, resource, signal
signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100))
`
    t.is((await school.run(school.program('app.py', text))).code, 0)
    t.deepEqual(school.files('.records'), [])
  })

  testInTurn('a limit on addresses is left to the program', async (t) => {
    const school = new School(t, python.path)
    const script = school.program('app.py', `${BODY}${TOLD}`)
    for (const kibibytes of [60_000, 90_000, 120_000]) {
      const words = ['-c', `ulimit -v ${kibibytes}; exec "$0" "$@"`, python.path, script]
      const start = (learn: string) =>
        run('sh', words, { env: { PATH, ...school.environment({ PYCDS_LEARN: learn }) } })
      const [plain, learning] = [await start(''), await start(school.room(`${kibibytes}`))]
      t.deepEqual([learning.code, learning.stdout], [plain.code, plain.stdout], learning.stderr)
    }
  })

  testInTurn('the helper leaves the directory in which the program was started', async (t) => {
    const school = new School(t, python.path)
    const script = school.program(
      'app.py',
      `${FIND_HELPER}import json, time
helper = find_helper()
deadline = time.monotonic() + 300
while time.monotonic() < deadline and os.readlink("/proc/%s/cwd" % helper) != "/":
    time.sleep(0.01)
print(os.readlink("/proc/%s/cwd" % helper))
`,
    )
    t.is((await school.run(script)).stdout, '/\n')
  })

  testInTurn('code of another source than the one that is there is not learned', async (t) => {
    const school = new School(t, python.path)
    const own = school.room('own')
    const source = join(own, 'mine.py')
    const compile = (mode: string) =>
      school.bench.run([
        '-c',
        `import py_compile as p; p.compile(${JSON.stringify(source)}, invalidation_mode=p.PycInvalidationMode.${mode})`,
      ])
    const script = school.program(
      'app.py',
      `import sys; sys.path.insert(0, ${JSON.stringify(own)})\nimport mine, json\nprint(mine.value)\n`,
    )
    writeFileSync(source, 'value = "old"\n')
    await compile('UNCHECKED_HASH')
    writeFileSync(source, 'value = "new, and longer"\n')
    t.is((await school.run(script, { PYCDS_LEARN_WAIT: WAIT })).stdout, 'old\n')
    await compile('UNCHECKED_HASH')
    for (let i = 0; i < 2; i++) t.is((await school.run(script)).stdout, 'new, and longer\n')
    // That of the source itself is learned, be it compared or not.
    for (const mode of ['UNCHECKED_HASH', 'CHECKED_HASH']) {
      for (const file of school.files('')) rmSync(join(school.directory, file))
      await compile(mode)
      await school.run(script, { PYCDS_LEARN_WAIT: WAIT })
      const [name = ''] = school.files('.cds')
      const { modules } = archiver.describe(name, readFileSync(join(school.directory, name)))
      t.true(
        modules.some((one) => one.name === 'mine'),
        mode,
      )
    }
  })

  testInTurn('a limit on the size of files leaves nothing behind', async (t) => {
    const school = new School(t, python.path)
    const script = school.program('app.py', BODY)
    const limited = ['-c', 'ulimit -f 1; exec "$0" "$@"', python.path, script]
    const { code, stderr } = await run('sh', limited, {
      env: { PATH, ...school.environment({ PYCDS_LEARN_WAIT: WAIT }) },
    })
    t.deepEqual([code, stderr], [0, ''])
    t.deepEqual(
      school.files('').filter((name) => !/\.(lock|tries)$/.test(name)),
      [],
    )
  })

  testInTurn('programs that end at once keep no more than the limit', async (t) => {
    const school = new School(t, python.path)
    for (const name of ['one.py', 'other.py', 'third.py']) {
      await school.run(school.program(name, BODY), { PYCDS_LEARN_LIMIT: '1' })
      t.is(school.files('.records').length, 1)
    }
  })

  testInTurn('several kinds learn in one directory, and an option makes another kind', async (t) => {
    const school = new School(t, python.path)
    const [one, other] = [school.program('one.py', BODY), school.program('other.py', 'import json, csv\n')]
    for (const script of [one, other]) await school.run(script, { PYCDS_LEARN_WAIT: WAIT })
    await school.bench.run(['-O', one], school.environment({ PYCDS_LEARN_WAIT: WAIT }))
    t.is(school.files('.cds').length, 3)
    const before = school.files('.cds')
    for (const script of [one, other]) await school.run(script, { PYCDS_LEARN_WAIT: WAIT })
    t.deepEqual(school.files('.cds'), before)
  })

  const AT_ONCE = portion(50)
  testInTurn(`${AT_ONCE} starts at the same moment make one archive, and wait for nothing`, async (t) => {
    const school = new School(t, python.path)
    const script = school.program('app.py', BODY)
    const plain = await school.run(script, { PYCDS_LEARN: '' })
    const starts = Array.from({ length: AT_ONCE }, () => school.run(script, { PYCDS_LEARN_WAIT: WAIT }))
    for (const outcome of await Promise.all(starts)) t.deepEqual(outcome, plain)
    t.is(school.files('.cds').length, 1)
    t.is(school.files('').filter((name) => name.startsWith('.new')).length, 0)
    t.regex((await school.run(school.program('app.py', BODY + TOLD))).stderr, /^USED /)
  })

  const KILLED = portion(100)
  testInTurn(
    `killed at ${KILLED} moments: the next start is right, and two later there is an archive`,
    async (t) => {
      const school = new School(t, python.path)
      const script = school.program('app.py', BODY)
      const plain = await school.run(script, { PYCDS_LEARN: '' })
      const next = randomFrom(19)
      for (let i = 0; i < KILLED; i++) {
        rmSync(school.directory, { recursive: true })
        mkdirSync(school.directory, { mode: 0o700 })
        const victim = spawn(python.path, [script], {
          env: { PATH, ...school.environment({ PYCDS_LEARN_WAIT: WAIT }) },
          stdio: 'ignore',
        })
        await killed(victim, next(700))
        // It dies with the program, as soon as a processor is free for it.
        await goneFrom(school.directory)
        t.deepEqual(await school.run(script), plain)
        await school.run(script, { PYCDS_LEARN_WAIT: WAIT })
        t.is(school.files('.cds').length, 1)
        t.deepEqual(await school.run(script), plain)
      }
    },
  )

  const DAMAGED = portion(10_000)
  const DAMAGED_AT_ONCE = 50
  testInTurn(`${DAMAGED} damaged files change nothing, and are learned anew`, async (t) => {
    const school = new School(t, python.path)
    // A start of its own in each child: command line and interpreter are the same, and so is the kind.
    const script = school.bench.file('app.py', FORKS)
    const start = (env = {}) =>
      school.bench.run([script, school.directory], school.environment({ PYCDS_LEARN: '', ...env }))
    const outcome = () => readFileSync(`${school.directory}.out`, 'utf8')
    await start()
    const expected = outcome()
    t.regex(expected, /^\{"point.*\}\n0\n$/)
    const [records = ''] = school.files('.records')
    const kept = readFileSync(join(school.directory, records))
    await start({ PYCDS_LEARN_WAIT: WAIT })
    const [archive = ''] = school.files('.cds')
    const whole = readFileSync(join(school.directory, archive))
    const kinds = [
      [archive, whole],
      [records, kept],
    ] as const
    for (let first = 0; first < DAMAGED; first += DAMAGED_AT_ONCE) {
      const count = Math.min(DAMAGED_AT_ONCE, DAMAGED - first)
      const rooms = Array.from({ length: count }, (_, i) => {
        const [name, bytes] = kinds[i % 2] ?? kinds[0]
        const room = school.room(`damaged-${first + i}`)
        writeFileSync(join(room, name), mutate(bytes, randomFrom(1000 + first + i)), { mode: 0o600 })
        return room
      })
      const { code, stderr } = await school.bench.run(
        [script, ...rooms],
        school.environment({ PYCDS_LEARN: '' }),
      )
      t.is(code, 0, stderr)
      for (const room of rooms) {
        t.is(readFileSync(`${room}.out`, 'utf8'), expected, room)
        rmSync(room, { recursive: true })
      }
    }
    for (const file of school.files('')) rmSync(join(school.directory, file))
    writeFileSync(join(school.directory, archive), whole.subarray(0, whole.length / 2))
    await start({ PYCDS_LEARN_WAIT: WAIT })
    t.is(outcome(), expected)
    t.true(statSync(join(school.directory, archive)).size > whole.length / 2)
  })

  test('only a directory that nobody else can write to is used', async (t) => {
    const school = new School(t, python.path)
    const script = school.program('app.py', BODY + TOLD)
    const status = async (PYCDS_LEARN: string) =>
      (await school.run(script, { PYCDS_LEARN })).stderr.split(' ')[0]
    const uid = process.getuid?.() ?? 0
    const shared = school.room('shared')
    chmodSync(shared, 0o1777)
    t.is(await status(shared), 'RECORDING')
    t.is(statSync(join(shared, `pycds-${uid}`)).mode & 0o777, 0o700)
    // A volume that is mounted for a group has got its rights everywhere.
    chmodSync(join(shared, `pycds-${uid}`), 0o2770)
    t.not(await status(shared), 'FOREIGN_DIRECTORY')
    t.is(statSync(join(shared, `pycds-${uid}`)).mode & 0o777, 0o700)
    chmodSync(join(shared, `pycds-${uid}`), 0o755)
    t.not(await status(shared), 'FOREIGN_DIRECTORY')
    const trap = school.room('trap')
    chmodSync(trap, 0o777)
    symlinkSync(school.room('elsewhere'), join(trap, `pycds-${uid}`))
    t.is(await status(trap), 'FOREIGN_DIRECTORY')
    symlinkSync(shared, join(school.bench.directory, 'link'))
    t.is(await status(join(school.bench.directory, 'link')), 'NO_DIRECTORY')
    t.is(await status(join(school.bench.directory, 'link/')), 'NO_DIRECTORY')
    t.is(await status('relative'), 'NO_DIRECTORY')
    t.is(await status(join(school.bench.directory, 'none/none')), 'NO_DIRECTORY')
    if (uid !== 0) return
    const foreign = school.room('foreign')
    chownSync(foreign, 65534, 65534)
    t.is(await status(foreign), 'FOREIGN_DIRECTORY')
    chmodSync(foreign, 0o777)
    mkdirSync(join(foreign, `pycds-${uid}`))
    chownSync(join(foreign, `pycds-${uid}`), 65534, 65534)
    t.is(await status(foreign), 'FOREIGN_DIRECTORY')
  })

  test('an archive of somebody else, or one that others may change, is not used', async (t) => {
    const school = new School(t, python.path)
    const script = school.program('app.py', BODY + TOLD)
    await school.run(script, { PYCDS_LEARN_WAIT: WAIT })
    const path = join(school.directory, school.files('.cds')[0] ?? '')
    t.regex((await school.run(script)).stderr, /^USED /)
    chmodSync(path, 0o422)
    t.notRegex((await school.run(script)).stderr, /^USED /)
    if (process.getuid?.() !== 0) return
    const whole = readFileSync(path)
    rmSync(path)
    writeFileSync(path, whole, { mode: 0o400 })
    chownSync(path, 65534, 65534)
    t.notRegex((await school.run(script)).stderr, /^USED /)
  })

  test('an option that has variables ignored has the directory ignored', async (t) => {
    const school = new School(t, python.path)
    const text = `import sys; sys.path.insert(0, ${JSON.stringify(school.hook)}); import _pycds; import json, csv; print(_pycds.stats()["learning"])`
    const isolated = await school.bench.run(['-I', '-c', text], school.environment())
    t.is(isolated.stdout, 'OFF\n')
    // What `prepare` has built in beside the runtime counts.
    school.bench.file('hook/_pycds.data/learn', `${school.directory}\nimage\n`)
    const built = await school.bench.run(['-I', '-c', text], {})
    t.is(built.stdout, 'RECORDING\n')
    t.is((await school.bench.run(['-c', text], { PYCDS_LEARN: '' })).stdout, 'OFF\n')
  })

  test('what nobody has used for long goes, and the oldest goes where there is too much', async (t) => {
    const school = new School(t, python.path)
    const script = school.program('app.py', BODY)
    const put = (name: string, days: number) => {
      const path = join(school.directory, name)
      writeFileSync(path, Buffer.alloc(1024 * 1024))
      const time = Date.now() / 1000 - days * 24 * 60 * 60
      utimesSync(path, time, time)
    }
    put('0000000000000001.cds', 40)
    put('0000000000000002.cds', 2)
    put('0000000000000003.cds', 1)
    put('0000000000000005.lock', 40)
    put('.new0000000000000004', 1)
    put('somebody-elses', 400)
    const archiveBytes = 8 * 1024 * 1024
    await school.run(script, { PYCDS_LEARN_WAIT: WAIT, PYCDS_LEARN_LIMIT: String(archiveBytes) })
    const own = school.files('.cds').filter((name) => !name.startsWith('0'.repeat(12)))
    t.is(own.length, 1)
    t.deepEqual(
      school
        .files('')
        .filter((name) => !name.startsWith((own[0] ?? '').slice(0, 16)))
        .sort(),
      ['0000000000000002.cds', '0000000000000003.cds', 'somebody-elses'],
    )
    rmSync(join(school.directory, own[0] ?? ''))
    await school.run(script, { PYCDS_LEARN_WAIT: WAIT, PYCDS_LEARN_LIMIT: '1' })
    t.deepEqual(school.files('.cds'), own)
    t.true(school.files('').includes('somebody-elses'))
  })

  testInTurn('a helper that something has ended is told of, and the records are kept', async (t) => {
    const school = new School(t, python.path)
    const text = `import json, os, signal
def children():
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            words = open("/proc/%s/stat" % pid).read().rpartition(") ")[2].split()
        except OSError:
            continue
        if int(words[1]) == os.getpid() and words[0] != "Z":
            yield int(pid)
print(_pycds.stats()["learning"])
for pid in children():
    os.kill(pid, signal.SIGKILL)
while list(children()):
    os.sched_yield()
print(_pycds.stats()["learning"])
`
    const { code, stdout } = await school.run(school.program('app.py', text), { PYCDS_LEARN_WAIT: WAIT })
    t.deepEqual([code, stdout], [0, 'RECORDING\nNO_PROCESS\n'])
    t.is(school.files('.records').length, 1)
  })

  test('an edited module is imported as edited', async (t) => {
    const school = new School(t, python.path)
    const module = school.bench.file('part.py', 'VALUE = 1\n')
    const script = school.program('app.py', 'import part\nprint(part.VALUE)\n')
    await school.run(script, { PYCDS_LEARN_WAIT: WAIT })
    t.is((await school.run(script)).stdout, '1\n')
    writeFileSync(module, 'VALUE = 22\n')
    t.is((await school.run(script)).stdout, '22\n')
  })

  test('what is no directory, or takes no file, leaves the program alone', async (t) => {
    const school = new School(t, python.path)
    const script = school.program('app.py', BODY)
    const plain = await school.run(script, { PYCDS_LEARN: '' })
    for (const PYCDS_LEARN of ['/proc', '/sys', '/dev/full', '/dev/null', '/nowhere/at/all']) {
      t.deepEqual(await school.run(script, { PYCDS_LEARN }), plain, PYCDS_LEARN)
    }
  })
}

function killed(victim: ChildProcess, milliseconds: number): Promise<void> {
  return new Promise((resolve) => {
    const calledOff = new AbortController()
    victim.on('close', () => {
      calledOff.abort()
      resolve()
    })
    setTimeout(milliseconds, undefined, { signal: calledOff.signal }).then(
      () => victim.kill('SIGKILL'),
      () => {},
    )
  })
}

/** Waits until no process has a file below a directory open. */
async function goneFrom(directory: string): Promise<void> {
  for (const deadline = Date.now() + 300_000; Date.now() < deadline; await setTimeout(10)) {
    if (!openFiles().some((path) => path.startsWith(directory))) return
  }
  throw new Error(`${directory} is still in use`)
}

function openFiles(): string[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) => {
      const links = `/proc/${pid}/fd`
      try {
        return readdirSync(links).map((fd) => readlinkSync(join(links, fd)))
      } catch {
        return [] // it has ended
      }
    })
}

/** Whether a process may begin a namespace of processes. */
function canUnshare(): boolean {
  return spawnSync('unshare', ['--pid', '--fork', 'true'], { stdio: 'ignore' }).status === 0
}
