// SPDX-License-Identifier: Apache-2.0
// What the runtime promises to a running program: the archive is used when everything fits,
// and whatever does not fit leaves importing as it was.
import { execFileSync } from 'node:child_process'
import { chmodSync, readFileSync, rmSync, statSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { readLine } from '../../src/artifact/kind/lines.js'
import { StartReport } from '../../src/artifact/listen.js'
import { findPythons, minorOf } from '../helpers/interpreters.js'
import { Bench, type Ran } from '../helpers/python.js'
import { assertReference } from '../helpers/reference.js'
import { inRepository } from '../helpers/repository.js'
import { testInTurn } from '../helpers/test-in-turn.js'

const pythons = findPythons()
if (pythons.length === 0)
  test.skip('no supported CPython on this machine: the runtime is not tested', () => undefined)

const SCRIPT = 'import json, app\nprint(app.answer(), json.dumps({"a": 1}))\n'
const APP = 'def answer():\n    return "first"\n'
const EXPECTED = 'first {"a": 1}\n'

/** A trained script with one module of its own. */
async function trained(t: ExecutionContext, python: string, validate: 'stat' | 'hash' | 'none' = 'stat') {
  const bench = new Bench(t, python)
  const app = bench.file('program/app.py', APP)
  const script = bench.file('program/main.py', SCRIPT)
  await bench.train(script, validate)
  return { bench, app, script }
}

/** Lines that the runtime logs, without its prefix. */
const logged = (stderr: string) =>
  stderr.split('\n').flatMap((line) => /^pycds\[\d+\]: (.*)$/.exec(line)?.[1] ?? [])

function each(title: string, run: (t: ExecutionContext, python: string) => Promise<void>): void {
  for (const { path, version } of pythons) testInTurn(`${version}: ${title}`, (t) => run(t, path))
}

each('modules come from the archive', async (t, python) => {
  const { bench, script } = await trained(t, python)
  const { code, stdout, stderr } = await bench.runWithArchive(script, { PYCDS_LOG: '1' })
  t.is(stdout, EXPECTED)
  t.is(code, 0)
  t.true(logged(stderr).includes('served app'))
  t.true(logged(stderr).includes('served json'))
})

each('who reads what the runtime says knows every line, and counts what it counts', async (t, python) => {
  const { bench, script } = await trained(t, python)
  const { stderr } = await bench.runWithArchive(script, { PYCDS: 'report', PYCDS_LOG: '1' })
  const lines = stderr.trimEnd().split('\n').map(readLine)
  for (const [at, line] of lines.entries()) t.truthy(line?.form, stderr.split('\n')[at])
  const [summary] = lines.flatMap((line) => (line?.form === 'modules' ? [line.values] : []))
  const report = new StartReport()
  report.add(Buffer.from(stderr))
  t.deepEqual([report.counts.served, report.counts.total].map(String), summary?.slice(0, 2))
  const refused = await bench.runWithArchive(script, {
    PYCDS: 'report',
    PYCDS_LOG: '1',
    PYCDS_ARCHIVE: '/no where',
  })
  const forms = refused.stderr.trimEnd().split('\n').map(readLine)
  t.deepEqual(
    forms.map((line) => [line?.form, ...(line?.values ?? []).slice(0, 2)]),
    [
      ['rejected', 'MISSING'],
      ['notUsed', '/no where', 'MISSING'],
    ],
  )
})

each('PYCDS=off uses nothing, report ends with a summary, auto is silent', async (t, python) => {
  const { bench, script } = await trained(t, python)
  t.is((await bench.runWithArchive(script, { PYCDS: 'off', PYCDS_LOG: '1' })).stderr, '')
  t.is((await bench.runWithArchive(script)).stderr, '')
  const { stderr, stdout } = await bench.runWithArchive(script, { PYCDS: 'report' })
  t.is(stdout, EXPECTED)
  t.regex(
    stderr,
    /^pycds\[\d+\]: served \d+ of \d+ path-based modules \(\d+\.\d %\) from .*app\.cds, \d+\.\d ms in the runtime\n/,
  )
  t.regex(stderr, /not served: .*encodings \(BEFORE_HOOK\)/)
})

each('an edited source runs as edited, and only that module is missed', async (t, python) => {
  const { bench, app, script } = await trained(t, python)
  writeFileSync(app, APP.replace('first', 'second'))
  const { stdout, stderr } = await bench.runWithArchive(script, { PYCDS_LOG: '1' })
  t.is(stdout, EXPECTED.replace('first', 'second'))
  t.true(logged(stderr).includes('missed app SOURCE_CHANGED'))
  t.true(logged(stderr).includes('served json'))
})

each(
  'with hash, an edit that keeps size and time is seen; with none nothing is looked at',
  async (t, python) => {
    for (const [validate, expected] of [
      ['hash', 'FIRST'],
      ['none', 'first'],
    ] as const) {
      const { bench, app, script } = await trained(t, python, validate)
      const { atime, mtime } = statSync(app)
      rmSync(join(app, '../__pycache__'), { recursive: true, force: true })
      writeFileSync(app, APP.replace('first', 'FIRST'))
      utimesSync(app, atime, mtime)
      const { stdout } = await bench.runWithArchive(script)
      t.is(stdout, EXPECTED.replace('first', expected))
    }
  },
)

each(
  'a source that only got another time is served, and one of another content is not',
  async (t, python) => {
    const { bench, app, script } = await trained(t, python)
    const time = new Date('2001-09-09T01:46:40Z')
    utimesSync(app, time, time)
    const touched = await bench.runWithArchive(script, { PYCDS_LOG: '1' })
    t.is(touched.stdout, EXPECTED)
    t.true(logged(touched.stderr).includes('served app'))
    writeFileSync(app, APP.replace('first', 'FIRST'))
    utimesSync(app, time, time)
    const edited = await bench.runWithArchive(script, { PYCDS_LOG: '1' })
    t.is(edited.stdout, EXPECTED.replace('first', 'FIRST'))
    t.true(logged(edited.stderr).includes('missed app SOURCE_CHANGED'))
  },
)

each('a deleted source fails to import as ever', async (t, python) => {
  const { bench, app, script } = await trained(t, python)
  rmSync(app)
  const { code, stderr } = await bench.runWithArchive(script)
  t.is(code, 1)
  t.regex(stderr, /ModuleNotFoundError: No module named 'app'/)
})

each('a module that an earlier entry of the path holds wins, as ever', async (t, python) => {
  const { bench, script } = await trained(t, python)
  bench.file('program/json.py', 'def dumps(x):\n    return "shadow"\n')
  const { stdout, stderr } = await bench.runWithArchive(script, { PYCDS_LOG: '1' })
  t.is(stdout, 'first shadow\n')
  t.true(logged(stderr).includes('missed json SHADOWED'))
})

each(
  'a program of the same name in an earlier entry of the path is no module, nor is a directory without modules',
  async (t, python) => {
    const { bench, script } = await trained(t, python)
    bench.file('program/json', '#!/bin/sh\n')
    const program = await bench.runWithArchive(script, { PYCDS_LOG: '1' })
    t.is(program.stdout, EXPECTED)
    t.true(logged(program.stderr).includes('served json'))
    rmSync(join(bench.directory, 'program/json'))
    for (const target of ['/bin/sh', '/absent']) {
      symlinkSync(target, join(bench.directory, 'program/json'))
      const link = await bench.runWithArchive(script, { PYCDS_LOG: '1' })
      t.is(link.stdout, EXPECTED)
      t.true(logged(link.stderr).includes('served json'))
      rmSync(join(bench.directory, 'program/json'))
    }
    bench.file('elsewhere/__init__.py', 'def dumps(x):\n    return "shadow"\n')
    symlinkSync(join(bench.directory, 'elsewhere'), join(bench.directory, 'program/json'))
    const shadowed = await bench.runWithArchive(script, { PYCDS_LOG: '1' })
    t.is(shadowed.stdout, 'first shadow\n')
    rmSync(join(bench.directory, 'program/json'))
    bench.file('program/json/readme', '')
    // What it is the path finder finds out, and gets the code of what it finds.
    const directory = await bench.runWithArchive(script, { PYCDS_LOG: '1' })
    t.is(directory.stdout, EXPECTED)
    t.true(logged(directory.stderr).includes('served json'))
  },
)

each('a variable that is set to nothing asks for no log', async (t, python) => {
  const { bench, script } = await trained(t, python)
  const { stdout, stderr } = await bench.runWithArchive(script, { PYCDS_LOG: '' })
  t.is(stdout, EXPECTED)
  t.is(stderr, '')
})

each('the archive is never opened for writing', async (t, python) => {
  const { bench, script } = await trained(t, python)
  chmodSync(bench.archive, 0o444)
  const before = statSync(bench.archive)
  t.is((await bench.runWithArchive(script, { PYCDS: 'require' })).stdout, EXPECTED)
  t.deepEqual(statSync(bench.archive).mtime, before.mtime)
  t.deepEqual(statSync(bench.archive).ctime, before.ctime)
})

const SAME_AS_STOCK: [string, string][] = [
  [
    'specs, loaders and module attributes',
    `import sys, json, email.message, xml
for name in ("json", "json.decoder", "email", "email.message", "xml"):
    m = sys.modules[name]; s = m.__spec__
    print(list(vars(m))[:9], type(m.__loader__), vars(m.__loader__), m.__file__, getattr(m, "__cached__", 0), getattr(m, "__path__", 0),
          m.__package__, type(s), s.origin, s.cached, s.has_location, s.submodule_search_locations, s.parent, s.loader is m.__loader__)
print(sys.modules["email.message"] is email.message)`,
  ],
  [
    'reload, source, resources and find_spec',
    `import importlib, inspect, json, pkgutil, importlib.util, importlib.resources
print(importlib.reload(json) is json, len(inspect.getsource(json.decoder)))
print(len(pkgutil.get_data("json", "__init__.py")), [m.name for m in pkgutil.iter_modules(json.__path__)])
print(importlib.util.find_spec("email.parser").origin, sorted(p.name for p in importlib.resources.files("json").iterdir()))
import runpy; print(sorted(runpy.run_module("json.scanner"))[:5])`,
  ],
  [
    'tracebacks of modules that fail, and what they leave behind',
    `import sys, traceback
for _ in range(2):
    for name in ("broken", "broken_import", "broken_syntax"):
        try:
            __import__(name)
        except BaseException:
            print(traceback.format_exc())
        print(name in sys.modules)`,
  ],
  [
    'modules that replace or remove themselves, and circular imports',
    `import sys, replaces, circular_a
print(replaces, sys.modules["replaces"], circular_a.x, circular_a.circular_b.y)
try:
    import removes
except (ImportError, KeyError) as e: print(type(e), e)
import threading
t = [threading.Thread(target=__import__, args=(n,)) for n in ("xml.dom.minidom", "xml.dom.pulldom", "xml.dom.minidom")]
[x.start() for x in t]; [x.join() for x in t]; print(sys.modules["xml.dom.minidom"].parseString("<a/>").toxml())`,
  ],
  [
    // Up to 3.11 a str keeps such a text itself, and shares it with its characters where these are as wide.
    'texts as C takes them, in wide characters',
    `import constants, ctypes
wide = ctypes.pythonapi.PyUnicode_AsWideCharString
wide.restype, wide.argtypes = ctypes.c_void_p, [ctypes.py_object, ctypes.c_void_p]
for text in constants.D:
    at = wide(text, None if "\\0" not in text else ctypes.byref(ctypes.c_ssize_t()))
    print(ascii(text), list((ctypes.c_uint32 * (len(text) + 1)).from_address(at)), ascii(text.encode("unicode_escape")), len(text), hash(text) == hash(text[:]))
    print([ascii(one) for one in ctypes.create_unicode_buffer(text, len(text) + 1)], ascii(text + text), ascii(text[::-1]), ascii(text.upper()))`,
  ],
  [
    'what a module that is imported twice computes',
    `import sys, constants, pickle
a = repr(constants.A); f = constants.f; del sys.modules["constants"]
import constants as again
print(a == repr(again.A), constants is again, f({"k": [1, 2]}), again.g("beta"), again.g(("t", 1)), again.g("zz"), again.D, again.E[-1][:3])
print(constants.outer(1, 2)[2].__doc__, pickle.loads(pickle.dumps(again.F)))`,
  ],
]

type Compared = { stock: Ran; served: Ran }[]
/** What the programs did, by the interpreter: one start for all of them without the archive, and one with it. */
const comparisons = new Map<string, Promise<Compared>>()
let cleanUp: (() => void)[] = []
test.after.always(() => {
  for (const one of cleanUp) one()
  cleanUp = []
})

async function compare(python: string): Promise<Compared> {
  const bench = new Bench({ teardown: (undo) => void cleanUp.push(undo) }, python)
  bench.file('program/broken.py', 'def f():\n    raise RuntimeError("at import")\nf()\n')
  bench.file('program/broken_import.py', 'import json, no_such_module\n')
  bench.file('program/broken_syntax.py', 'x = = 1\n')
  bench.file('program/replaces.py', 'import sys\nsys.modules[__name__] = "replaced"\n')
  bench.file('program/removes.py', 'import sys\ndel sys.modules[__name__]\n')
  bench.file('program/circular_a.py', 'import circular_b\nx = circular_b.y\n')
  bench.file('program/circular_b.py', 'import circular_a\ny = "y"\n')
  bench.file('program/constants.py', readFileSync(inRepository('test/fixtures/constants.py'), 'utf8'))
  // One after the other in one process: together they import what each of them imports.
  const texts = SAME_AS_STOCK.map(([, text]) => text)
  const script = bench.file(
    'program/main.py',
    `for text in ${JSON.stringify(texts)}:\n    exec(text, {"__name__": "__main__"})\n`,
  )
  await bench.train(script)
  const forked = texts.map((text) => ({ text }))
  const run = (env: Record<string, string>) => bench.runForked(script, forked, { runtime: 'first', env })
  const stock = await run({ PYCDS: 'off' })
  const served = await run({ PYCDS: 'require' })
  return stock.flatMap((one, i) => {
    assertReference(one.counts)
    const other = served[i]
    return other ? [{ stock: one, served: other }] : []
  })
}

for (const [i, [title]] of SAME_AS_STOCK.entries()) {
  each(`the same as without an archive: ${title}`, async (t, python) => {
    const known = comparisons.get(python) ?? compare(python)
    comparisons.set(python, known)
    const one = (await known)[i]
    if (!one) return t.fail('it was not run')
    const { stock, served } = one
    t.is(served.outcome.stdout, stock.outcome.stdout)
    t.deepEqual(served.outcome, stock.outcome)
    t.is(stock.outcome.code, 0, stock.outcome.stderr)
    t.true(Number(served.counts?.served) > 0)
  })
}

each('audit events differ only in what is not done any more', async (t, python) => {
  const bench = new Bench(t, python)
  const text = `import sys
seen = []
sys.addaudithook(lambda event, args: seen.append((event, args[0] if event == "import" else args[0].co_filename))
    if event in ("import", "exec") and seen is not None else None)
import json, email.message
print("\\n".join(map(str, seen)))`
  const script = bench.file('program/main.py', text)
  await bench.train(script)
  const stock = await bench.runStock(script)
  t.is((await bench.runWithArchive(script)).stdout, stock.stdout)
})

/** Ends a program that waits for what never comes. */
const DEADLINE = 'import signal; signal.alarm(200)\n'

each('a source that is not a file any more is not waited for, and imports as ever', async (t, python) => {
  for (const validate of ['hash', 'stat'] as const) {
    const bench = new Bench(t, python)
    const empty = bench.file('program/empty.py', '')
    const script = bench.file(
      'program/main.py',
      `${DEADLINE}try:\n    import empty\n    print("imported")\nexcept ImportError as error:\n    print(error)\n`,
    )
    await bench.train(script, validate)
    t.is((await bench.runWithArchive(script)).stdout, 'imported\n')
    const { atime, mtime } = statSync(empty)
    rmSync(join(empty, '../__pycache__'), { recursive: true, force: true })
    rmSync(empty)
    execFileSync('mkfifo', [empty])
    utimesSync(empty, atime, mtime)
    const stock = await bench.runWithArchive(script, { PYCDS: 'off' })
    t.is(stock.stdout, "No module named 'empty'\n")
    t.deepEqual(await bench.runWithArchive(script), stock, validate)
  }
})

each('an archive that is not a file is not waited for', async (t, python) => {
  const { bench } = await trained(t, python)
  rmSync(bench.archive)
  execFileSync('mkfifo', [bench.archive])
  const text = `${DEADLINE}import _pycds; print(_pycds.stats()["status"])`
  const env = { PYCDS_ARCHIVE: bench.archive, PYTHONPATH: join(bench.directory, 'hook') }
  t.deepEqual(await bench.run(['-c', text], env), { code: 0, stdout: 'MISSING\n', stderr: '' })
})

for (const python of pythons) {
  testInTurn(
    `${python.version}: a name in served code is the string that was interned before`,
    async (t) => {
      const bench = new Bench(t, python.path)
      bench.file('program/app.py', 'def read():\n    return name_of_app\n')
      const script = bench.file(
        'program/main.py',
        'import sys\nearlier = sys.intern("_".join(["name", "of", "app"]))\nimport app\n' +
          'print(app.read.__code__.co_names[0] is earlier is sys.intern("_".join(["name", "of", "app"])))\n',
      )
      await bench.train(script)
      t.is((await bench.runStock(script)).stdout, 'True\n')
      t.is((await bench.runWithArchive(script, { PYCDS: 'require' })).stdout, 'True\n')
    },
    // 3.12 keeps strings that look statically allocated, as those of an archive do, in a table that is asked first.
    { fails: minorOf(python) === 12 },
  )
}
