// SPDX-License-Identifier: Apache-2.0
// compile, exec and eval answer from the archive exactly as they answer without it.
import { readFileSync } from 'node:fs'
import test, { type ExecutionContext } from 'ava'
import { compareWithStock } from '../helpers/compare.js'
import { findPythons } from '../helpers/interpreters.js'
import { Bench } from '../helpers/python.js'
import { inRepository } from '../helpers/repository.js'
import { testInTurn } from '../helpers/test-in-turn.js'

const FIXTURE = readFileSync(inRepository('test/fixtures/sources.py'), 'utf8')
const REFERENCE = readFileSync(inRepository('test/fixtures/reference.py'), 'utf8')
const WHAT = 'sources'

const pythons = findPythons()
if (pythons.length === 0)
  test.skip('no supported CPython on this machine: cached source strings are not tested', () => undefined)

type Run = (t: ExecutionContext, python: string, version: string) => Promise<void>

function each(title: string, run: Run): void {
  for (const { path, version } of pythons) testInTurn(`${version}: ${title}`, (t) => run(t, path, version))
}

each('every way to compile, to execute and to evaluate gives what it gives without', async (t, python) => {
  const text = `__file__ = "main"\n${FIXTURE}`
  const { hits, total } = await compareWithStock(t, python, text, WHAT)
  t.true(hits > 100, `${hits} of ${total}`)
})

each('a training run prints what an untrained run prints', async (t, python) => {
  const bench = new Bench(t, python)
  const script = bench.file('program/main.py', `__file__ = "main"\n${FIXTURE}`)
  const stock = await bench.run([script])
  const traced = await bench.runTraced([script], `${bench.directory}/trace`)
  t.is(traced.stdout, stock.stdout)
  t.deepEqual(traced, stock)
})

// The numbers are others in each process; an abstract syntax tree is compiled by the builtin itself.
const NUMBERS = `${REFERENCE}
import ast, marshal, os, sys
TEXTS = {
    "alone": "def __hash__(self):\\n    return hash((\\n        NUMBER,\\n        self.a,\\n    ))",
    "folded": "x = (NUMBER, 1, (2, NUMBER_))",
    "operand": "y = 3; x = y-NUMBER",
    "power": "x = NUMBER**2, 1",
    "text": "x = 'NUMBER'",
    "word": "def f_NUMBER(): return 1",
    "float": "x = 1.NUMBER",
    "two": "x = NUMBER, NUMBER",
    "default": "def f(a=NUMBER, *, b: NUMBER_ = 1): return [a, b, 'NUMBER_']",
}
def literals():
    bits = int.from_bytes(os.urandom(7), "little")
    for digits in range(14, 22):
        number = str(10 ** (digits - 1) + bits)[:digits]
        yield from (number, "-" + number)
    yield from ("0" * 18, "9" * 19, "-" + "9" * 19, str(2**63), str(-(2**63)), str(2**60 - 1), str(2**60))
before = sys.modules["_pycds"].stats()["sources"] if "_pycds" in sys.modules else 0
for name, text in TEXTS.items():
    for index, literal in enumerate(literals()):
        source = text.replace("NUMBER_", "7").replace("NUMBER", literal)
        try:
            with Reference():
                expected = compile(ast.parse(source, name), name, "exec", 0, True)
        except SyntaxError:
            expected = None
        try:
            code = compile(source, name, "exec", 0, True)
        except SyntaxError:
            code = None
        print(name, index, expected is not None, marshal.dumps(code, 2) == marshal.dumps(expected, 2))
if "_pycds" in sys.modules:
    print("served", sys.modules["_pycds"].stats()["sources"] - before, file=sys.stderr)`

each('a number that is another one in each process is put into the code of a sample', async (t, python) => {
  const bench = new Bench(t, python)
  const script = bench.file('program/main.py', NUMBERS)
  await bench.train(script)
  const stock = await bench.runStock(script)
  const served = await bench.runWithArchive(script, { PYCDS: 'require' })
  t.is(served.stdout, stock.stdout)
  t.false(served.stdout.includes('False\n'), served.stdout)
  // Of 18 and 19 digits, and of 17 with a sign: of each text where the number is a constant of its own.
  t.true(Number(/^served (\d+)$/m.exec(served.stderr)?.[1]) >= 2 * 11, served.stderr)
})

// What starts the script is compiled anew.
const SHORT = `import collections, sys
collections.namedtuple("P", "a b")
exec("x = 1")
if "_pycds" in sys.modules:
    stats = sys.modules["_pycds"].stats()
    print(stats["sources"] > 1, stats["sources_missed"])`

each('either cache can be turned off, and both', async (t, python) => {
  const bench = new Bench(t, python)
  const script = bench.file('program/main.py', SHORT)
  await bench.train(script)
  const switches = [
    ['all', 'True 1\n'],
    ['sources', 'True 1\n'],
    ['regexes', 'False 0\n'],
    ['off', 'False 0\n'],
  ] as const
  const ran = await bench.runForked(
    script,
    switches.map(([PYCDS_CACHES]) => ({ env: { PYCDS_CACHES } })),
    { runtime: 'forked' },
  )
  t.deepEqual(
    ran.map(({ env, outcome }) => [env.PYCDS_CACHES, outcome.stdout]),
    switches.map(([caches, printed]) => [caches, printed]),
  )
  const { stderr } = await bench.runWithArchive(script, { PYCDS: 'report' })
  t.regex(stderr, /^pycds\[\d+\]: served \d+ of \d+ compilations of source strings$/m)
})

each(
  'it goes on in a forked process, and when the program closes what it does not know',
  async (t, python) => {
    const text = `import os, re
os.closerange(3, 2000)
print(os.open("/proc/self/stat", os.O_RDONLY) and eval("6 * 7"), re.compile("a(?P<b>.)").match("ab"))
for number in range(3, 400):
    try: os.dup2(3, number)
    except OSError: break
exec("print('numbers in use')")
child = os.fork()
if child == 0:
    exec("print('child', flush=True)")
    print(re.compile("(?P<c>c)").groupindex, eval("'child ' * 2"), flush=True)
    os._exit(0)
print(os.waitpid(child, 0)[1], eval("'parent'"))`
    await compareWithStock(t, python, text, WHAT)
  },
)

each('other interpreters of the process compile for themselves', async (t, python) => {
  const text = `try:
    import _interpreters as interpreters
except ImportError:
    import _xxsubinterpreters as interpreters
text = "import collections, re\\nprint(collections.namedtuple('P', 'x')(1), eval('1 + 1'), re.compile('a+').match('aa'), flush=True)"
exec(text)
interpreters.run_string(interpreters.create(), text)
exec(text)`
  const { hits } = await compareWithStock(t, python, text, WHAT)
  t.true(hits > 1)
})

each('what replaces a builtin wins, and what it replaces goes on working', async (t, python) => {
  const text = `import builtins
own = builtins.eval
builtins.eval = lambda *arguments: ("mine", own(*arguments))
print(eval("1 + 2"), own("1 + 2"))
builtins.eval = own
print(eval("1 + 2"), own is eval)`
  const { hits } = await compareWithStock(t, python, text, WHAT)
  t.true(hits >= 2)
})

each('a KeyboardInterrupt that leaves a source string ends the process as ever', async (t, python) => {
  const caught = 'try: exec("raise KeyboardInterrupt")\nexcept KeyboardInterrupt: print("caught")\n'
  const texts = [
    caught,
    `${caught}exec("print(1)")\n`,
    `${caught}compile("print(1)", "f", "exec")\n`,
    `${caught}${caught}`,
  ]
  const bench = new Bench(t, python)
  const { sources } = await bench.train(bench.file('program/all.py', texts.join('')))
  t.true((sources?.length ?? 0) >= 3)
  // The reference says on stderr when it is none.
  bench.file(
    'hook/sitecustomize.py',
    'import os, _pycds; assert os.environ["PYCDS"] != "off" or _pycds.stats()["status"] == "INACTIVE"',
  )
  for (const text of texts) {
    const script = bench.file('program/main.py', text)
    // Run by the interpreter itself: a launcher's exec would take the interrupt back.
    const run = (mode: string) =>
      bench.run([script], {
        PYCDS_ARCHIVE: bench.archive,
        PYTHONPATH: `${bench.directory}/hook`,
        PYCDS: mode,
      })
    t.deepEqual(await run('require'), await run('off'), text)
  }
})
