// SPDX-License-Identifier: Apache-2.0
// Regular expressions whose programs come from the archive are the same objects as ever.
import { readFileSync } from 'node:fs'
import test, { type ExecutionContext } from 'ava'
import { compareWithStock } from '../helpers/compare.js'
import { type Damaged, runDamaged } from '../helpers/damaged.js'
import { archiver, findPythons } from '../helpers/interpreters.js'
import { Bench } from '../helpers/python.js'
import { random, sectionOf } from '../helpers/sections.js'
import { testInTurn } from '../helpers/test-in-turn.js'
import { portion, TIER } from '../helpers/tier.js'

const CACHE_INDEX = 6
const CACHE = 7
const FLIPS = portion(60)
/** Of so many patterns of the library one is tried. */
const STEP = TIER === 'all' ? 1 : 8
const WHAT = 'regexes'

const pythons = findPythons()
if (pythons.length === 0)
  test.skip('no supported CPython on this machine: cached regular expressions are not tested', () =>
    undefined)

function each(title: string, run: (t: ExecutionContext, python: string) => Promise<void>): void {
  for (const { path, version } of pythons) testInTurn(`${version}: ${title}`, (t) => run(t, path))
}

each("the standard library's patterns are the interpreter's own", async (t, python) => {
  const bench = new Bench(t, python)
  const list = `${bench.directory}/patterns`
  const fixture = bench.fixture('regexes.py')
  const listed = await bench.run([fixture, 'list', list, `${STEP}`])
  t.is(listed.code, 0, listed.stderr)
  const program = `import sys\nsys.argv = ['', 'try', ${JSON.stringify(list)}]\n${readFileSync(fixture, 'utf8')}`
  const { hits, total } = await compareWithStock(t, python, program, WHAT, bench)
  t.true(hits > 300 / STEP, `${hits} of ${total}`)
  // What is compiled anew: patterns that warn, or that are wrong.
  t.true(total - hits < total * 0.05, `${hits} of ${total}`)
})

each('what re promises besides the patterns holds', async (t, python) => {
  const { hits } = await compareWithStock(
    t,
    python,
    `import re, copy, pickle, sys
a = re.compile(r"(?P<k>\\w+)=(?P<v>.*)", re.I)
print(a is re.compile(r"(?P<k>\\w+)=(?P<v>.*)", re.I), a == re.compile(r"(?P<k>\\w+)=(?P<v>.*)", 2), hash(a) == hash(copy.copy(a)), copy.deepcopy(a) is a)
print(pickle.loads(pickle.dumps(a)) is a, a.groupindex, type(a.groupindex), a.flags, repr(a), a.pattern)
re.purge()
b = re.compile(r"(?P<k>\\w+)=(?P<v>.*)", re.I)
print(a is b, a == b, a.sub(r"\\g<v>=\\1", "x=y"))
class S(str): pass
s = S("sub.*class")
print(type(re.compile(s).pattern), re.compile(s).pattern is s)
p = "some" + chr(45) + "text"
print(re.compile(p).pattern is p)
print(re.Scanner([(r"\\d+", lambda s, t: int(t)), (r"\\s+", None)]).scan("1 22"))
print(re.compile(rb"(?L)\\w", re.L).flags, re.compile("x", re.I | re.ASCII).flags)
for bad in ("(", "[z-a]", "*", "(?P<a>x)(?P<a>y)", "(?<=a+)b", "\\\\", "x{2,1}", "(?P=n)"):
    try: re.compile(bad)
    except re.error as e: print(type(e), e, e.pos, e.pattern, e.lineno)
for arguments in ((1,), (None,), ("a", "b"), (b"a", re.U), ("a", re.L), ("a", -1), ("a", 1 << 70)):
    try: print(re.compile(*arguments))
    except Exception as e: print(type(e), e)`,
    WHAT,
  )
  t.true(hits >= 5)
})

each('patterns that warn do so as ever, from the line that compiles them', async (t, python) => {
  const { stock } = await compareWithStock(
    t,
    python,
    `import re, warnings
for action in ("always", "error", "default"):
    for pattern in ("[[a]", "[!--a]", "[a&&b]", "[a||b]", "plain"):
        with warnings.catch_warnings(record=True) as seen:
            warnings.simplefilter(action)
            re.purge()
            try: re.compile(pattern)
            except Warning as e: print("raised", e)
            print([(w.filename, w.lineno, str(w.message), w.category) for w in seen])`,
    WHAT,
  )
  t.regex(stock.stdout, /main\.py', 7, 'Possible nested set/)
})

each('DEBUG prints, and what is put in place of the compiler or its parts wins', async (t, python) => {
  const { stock } = await compareWithStock(
    t,
    python,
    `import re, sys, importlib
compiler = sys.modules.get("re._compiler") or sys.modules["sre_compile"]
parser = sys.modules.get("re._parser") or sys.modules["sre_parse"]
re.compile("de[b]ug", re.DEBUG)
re.compile("parsed"); re.compile("coded"); re.compile("reloaded")
parse, code, compile = parser.parse, compiler._code, compiler.compile
re.purge(); parser.parse = lambda *a: print("parse", a[0]) or parse(*a); re.compile("parsed"); parser.parse = parse
re.purge(); compiler._code = lambda *a: print("code") or code(*a); re.compile("coded"); compiler._code = code
re.purge(); compiler.compile = lambda *a: print("compile", a) or compile(*a); re.compile("coded", re.I)
importlib.reload(compiler); re.purge(); print(re.compile("reloaded").match("reloaded"))
print(compiler.compile("named", flags=re.I), compiler.compile(p="named"))
import inspect; print(inspect.signature(compiler.compile), compiler.compile.__name__, compiler.compile.__module__, compiler.compile.__doc__)`,
    WHAT,
  )
  t.regex(stock.stdout, /LITERAL 100/)
})

each('an application switch turns it off; without the section there is no hook', async (t, python) => {
  const text = `import re, sys
compiler = sys.modules.get("re._compiler") or sys.modules["sre_compile"]
print(type(compiler.compile).__name__, re.compile("a+b").pattern)`
  const { bench, script, hits } = await compareWithStock(
    t,
    python,
    text.replace('type(compiler.compile).__name__, ', ''),
    WHAT,
  )
  t.true(hits > 0)
  bench.file('program/main.py', text)
  const switches = [{}, { PYCDS_CACHES: 'regexes' }, { PYCDS_CACHES: 'sources' }, { PYCDS_CACHES: 'off' }]
  const ran = await bench.runForked(
    script,
    [...switches, { PYCDS: 'off' }].map((env) => ({ env })),
    { runtime: 'forked' },
  )
  t.deepEqual(
    ran.map(({ outcome }) => outcome.stdout),
    [
      'builtin_function_or_method a+b\n',
      'builtin_function_or_method a+b\n',
      'function a+b\n',
      'function a+b\n',
      'function a+b\n',
    ],
  )
  const { stderr } = await bench.runWithArchive(script, { PYCDS: 'report' })
  t.regex(stderr, /^pycds\[\d+\]: served \d+ of \d+ compilations of regular expressions$/m)
  const process = await bench.train(script)
  bench.write({ ...process, regexes: [], sources: [] }, process.modules)
  t.is((await bench.runWithArchive(script, { PYCDS: 'require' })).stdout, 'function a+b\n')
})

each(
  'a pattern joined from a set is the same in each training run, and compiled as ever',
  async (t, python) => {
    const bench = new Bench(t, python)
    const script = bench.file(
      'program/main.py',
      'import re\nwords = {f"word{n}" for n in range(40)}\nprint(len(re.findall("|".join(words), " ".join(words))))\n',
    )
    await bench.train(script)
    const first = readFileSync(bench.archive)
    const { regexes } = await bench.train(script)
    t.true(regexes.some(({ pattern }) => pattern.includes('|word')))
    t.true(readFileSync(bench.archive).equals(first), 'two training runs give two archives')
    // Whatever the seed is later.
    const seeds = await Promise.all(
      ['', '7'].map((PYTHONHASHSEED) => bench.runWithArchive(script, { PYTHONHASHSEED })),
    )
    for (const outcome of seeds) t.is(outcome.stdout, '40\n')
  },
)

const [python] = pythons
if (python) {
  testInTurn(`${python.version}: ${FLIPS} flipped bytes in what is cached change nothing`, async (t) => {
    const bench = new Bench(t, python.path)
    const script = bench.file(
      'program/main.py',
      'import re, string, logging, collections\nP = collections.namedtuple("P", "x y")\nprint(P(1, 2), re.findall(r"(?P<w>\\w+) *", "a b"))\n',
    )
    await bench.train(script)
    const whole = readFileSync(bench.archive)
    const expected = await bench.runStock(script)
    t.is(expected.code, 0)
    t.deepEqual(await bench.runWithArchive(script, { PYCDS: 'require' }), expected)
    const numbers = random(20261124)
    const parts = [sectionOf(whole, CACHE_INDEX), sectionOf(whole, CACHE)]
    const damaged: Damaged[] = []
    for (let i = 0; i < FLIPS; i++) {
      const part = parts[i % 2]
      if (!part || part.bytes === 0) return t.fail('the archive has no cached results')
      const copy = Buffer.from(whole)
      const offset = part.offset + Math.floor(numbers.next().value * part.bytes)
      copy[offset] = (copy[offset] ?? 0) ^ (1 + Math.floor(numbers.next().value * 255))
      damaged.push([`flip at ${offset}`, copy])
      const error = t.throws<Error & { code?: string }>(() => archiver.describe('flipped', copy))
      t.is(error?.code, 'ARCHIVE_INVALID')
    }
    await runDamaged(t, bench, script, expected, damaged)
  })
}
