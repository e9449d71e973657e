// SPDX-License-Identifier: Apache-2.0
// Importing from an archive leaves behind, tells and does what importing without one does: each scenario
// is a program that prints what it sees, and prints the same with the archive as without, in the same
// interpreter, whether importlib's function is taken over or the finder works alone.
import { cpSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { findPythons } from '../helpers/interpreters.js'
import { Bench, type ForkOptions, type Outcome } from '../helpers/python.js'
import { assertReference } from '../helpers/reference.js'
import { inRepository } from '../helpers/repository.js'
import { testInTurn } from '../helpers/test-in-turn.js'

const FIXTURES = inRepository('test/fixtures/imports/')

/** Those that make threads or processes get a start of their own, the others a fork. */
const SCENARIOS: [script: string, claim: string, own?: 'own start'][] = [
  ['attributes', 'specs, loaders, module attributes and their order, sys.modules and its order'],
  ['failures', 'modules that fail, replace or remove themselves, and what they leave behind'],
  ['circles', 'circular imports and their messages'],
  [
    'threads',
    'threads wait for a module that another one imports; crossed imports do not deadlock',
    'own start',
  ],
  ['paths', 'namespace packages, packages that move their __path__'],
  ['finders', 'finders, loaders and import functions that the program replaces'],
  ['wrapped', 'finders in the place of the path finder, and right in front of it'],
  ['addresses', 'functions of importlib that end, and others at their addresses'],
  ['tools', 'reload, runpy, pkgutil, resources, inspect, pickle, find_spec'],
  ['again', 'modules that are imported more than once, and what tools have attached to their code'],
  ['frames', 'who has imported a module, in frames, warnings and tracebacks'],
  ['events', 'audit events, traces, profiles and monitoring of module bodies'],
  ['collector', "the collector's settings, whoever sets them, and garbage of an import that does not end"],
  [
    'garbage',
    'when garbage is collected: in forks and threads while another thread imports, in and after bodies',
    'own start',
  ],
  ['processes', 'forks during an import, sub-interpreters', 'own start'],
]

const pythons = findPythons()
if (pythons.length === 0)
  test.skip('no supported CPython on this machine: imports are not compared', () => undefined)

/** One trained bench per interpreter: the archive holds the modules of all scenarios. */
const benches = new Map<string, Promise<Bench>>()
let cleanUp: (() => void)[] = []
test.after.always(() => {
  for (const one of cleanUp) one()
  cleanUp = []
})

function benchOf(python: string): Promise<Bench> {
  const known = benches.get(python)
  if (known) return known
  const made = (async () => {
    const bench = new Bench({ teardown: (fn) => void cleanUp.push(() => void fn()) }, python)
    cpSync(join(FIXTURES, 'modules'), join(bench.directory, 'program'), { recursive: true })
    cpSync(join(FIXTURES, 'train.py'), join(bench.directory, 'program/main.py'))
    cpSync(join(FIXTURES, 'scenarios'), join(bench.directory, 'scenarios'), { recursive: true })
    await bench.train(join(bench.directory, 'program/main.py'))
    return bench
  })()
  benches.set(python, made)
  return made
}

/** Runs a program in place of the one that was trained, in a start of its own. */
function run(bench: Bench, text: string, env: Record<string, string> = {}, options: string[] = []) {
  return bench.runWithArchive(mainOf(bench), env, { text, options })
}

const mainOf = (bench: Bench) => join(bench.directory, 'program/main.py')

const TAKEN = { PYCDS: 'require' }
const FINDER = { PYCDS: 'require', PYCDS_TAKEOVER: 'off' }

/** How a forked program is started; in the last, it imports the runtime itself. */
const MODES = {
  off: { runtime: 'first', env: { PYCDS: 'off' } },
  taken: { runtime: 'first', env: TAKEN },
  finder: { runtime: 'first', env: FINDER },
  unhooked: { runtime: 'never', env: TAKEN },
} satisfies Record<string, ForkOptions>
type Mode = keyof typeof MODES

function each(title: string, body: (t: ExecutionContext, bench: Bench) => Promise<void>): void {
  for (const { path, version } of pythons) {
    testInTurn(`${version}: ${title}`, async (t) => body(t, await benchOf(path)))
  }
}

type Programs = (bench: Bench) => string[]
/** All programs that are forked, by mode. Complete when the first test begins. */
const forked: Record<Mode, Programs[]> = { off: [], taken: [], finder: [], unhooked: [] }
/** What they did, by the bench and the mode. */
const forkedRuns = new Map<string, Promise<Map<Programs, Outcome[]>>>()

/** Forks every program of a mode from one process. */
async function fork(bench: Bench, mode: Mode): Promise<Map<Programs, Outcome[]>> {
  const texts = forked[mode].map((programs) => ({ programs, texts: programs(bench) }))
  const list = texts.flatMap(({ programs, texts }) => texts.map((text) => ({ programs, text })))
  const ran = await bench.runForked(mainOf(bench), list, MODES[mode])
  if (mode === 'off') for (const { counts } of ran) assertReference(counts)
  return new Map(
    texts.map(({ programs }) => [
      programs,
      ran.filter((one) => one.programs === programs).map((one) => one.outcome),
    ]),
  )
}

/** A test of programs that are forked in each of the modes; for each mode it is told how they ended. */
function forkedTest<M extends Mode>(
  title: string,
  modes: readonly M[],
  programs: Programs,
  body: (t: ExecutionContext, outcomes: Record<M, Outcome[]>) => void,
): void {
  for (const mode of modes) forked[mode].push(programs)
  each(title, async (t, bench) => {
    const outcomes = {} as Record<M, Outcome[]>
    for (const mode of modes) {
      const key = `${mode} ${bench.directory}`
      const run = forkedRuns.get(key) ?? fork(bench, mode)
      forkedRuns.set(key, run)
      outcomes[mode] = (await run).get(programs) ?? []
    }
    body(t, outcomes)
  })
}

const stdoutOf = (outcomes: readonly Outcome[]) => outcomes.map(({ stdout }) => stdout)

/** Addresses of objects differ from process to process. */
const withoutAddresses = ({ code, stdout, stderr }: Outcome) => {
  const plain = (text: string) => text.replaceAll(/0x[0-9a-f]+/g, '0x')
  return { code, stdout: plain(stdout), stderr: plain(stderr) }
}

function sameAsStock(t: ExecutionContext, stock: Outcome, served: readonly Outcome[]): void {
  const expected = withoutAddresses(stock)
  t.is(expected.code, 0, expected.stderr)
  for (const outcome of served.map(withoutAddresses)) {
    t.is(outcome.stdout, expected.stdout)
    t.deepEqual(outcome, expected)
  }
}

for (const [script, claim, own] of SCENARIOS) {
  const title = `the same as without an archive: ${claim}`
  const programs = (bench: Bench) => [
    `exec(compile(open(${JSON.stringify(join(bench.directory, `scenarios/${script}.py`))}).read(), "scenario", "exec"))`,
  ]
  if (own) {
    each(title, async (t, bench) => {
      const [text = ''] = programs(bench)
      const stock = await bench.runStock(mainOf(bench), {}, { text })
      sameAsStock(t, stock, [await run(bench, text, TAKEN), await run(bench, text, FINDER)])
    })
  } else {
    forkedTest(title, ['off', 'taken', 'finder'], programs, (t, { off: [stock], taken, finder }) => {
      t.is(taken.length + finder.length, 2)
      if (stock) sameAsStock(t, stock, [...taken, ...finder])
      else t.fail('it was not run')
    })
  }
}

/** How modules have come from the archive so far: an expression. */
const HOW =
  '(lambda s: "taken" if s["served"] > s["served_by_get_code"] else "read" if s["served"] else "not")(__import__("_pycds").stats())'

forkedTest(
  'an archived module is taken over where importlib’s functions are known',
  ['taken', 'finder'],
  () => [`import pkg, _pycds; print(${HOW}, _pycds.stats()["takeover"])`],
  (t, { taken, finder }) => {
    t.deepEqual(stdoutOf(taken), ['taken 1\n'])
    t.deepEqual(stdoutOf(finder), ['read 0\n'])
  },
)

forkedTest(
  'the AWS command line keeps its archive behind its own finder',
  ['taken', 'finder'],
  () => [
    `import sys, importlib.machinery, _pycds
class TopLevelImportAliasFinder:
    __module__ = "awscli"
    _PACKAGES = ["botocore"]
    _underlying_finder = importlib.machinery.PathFinder
    def find_spec(self, *args): return self._underlying_finder.find_spec(*args)
sys.meta_path[sys.meta_path.index(importlib.machinery.PathFinder)] = TopLevelImportAliasFinder()
before = _pycds.stats()["served"]
import pkg, who_calls_2
print(_pycds.stats()["served"] - before > 1)`,
  ],
  (t, { taken, finder }) => {
    t.deepEqual(stdoutOf([...taken, ...finder]), ['True\n', 'True\n'])
  },
)

const CALLABLE = 'type("W", (), {"__call__": lambda self, *a, **k: stock(*a, **k)})()'
/** What is done to importlib before the runtime is imported, and what is seen then. */
const PATCHES = [
  ['', '1 taken\n'],
  ['stock = b._find_spec; b._find_spec = lambda *a: stock(*a)', '0 read\n'],
  [`stock = b._find_and_load; b._find_and_load = ${CALLABLE}`, '0 read\n'],
  [
    'stock = e.SourceLoader.get_code; e.SourceLoader.get_code = lambda self, name: stock(self, name)',
    '1 not\n',
  ],
] as const

forkedTest(
  'where a function of importlib has been replaced, the finder works alone',
  ['unhooked'],
  (bench) =>
    PATCHES.map(
      ([patch]) => `import sys, importlib._bootstrap as b, importlib._bootstrap_external as e
${patch}
sys.path.insert(0, ${JSON.stringify(join(bench.directory, 'hook'))})
import _pycds; del sys.path[0]; import pkg
print(_pycds.stats()["takeover"], ${HOW})`,
    ),
  (t, { unhooked }) => {
    t.deepEqual(
      stdoutOf(unhooked),
      PATCHES.map(([, expected]) => expected),
    )
  },
)

forkedTest(
  'the finder of setuptools does not keep modules from being taken over',
  ['taken'],
  () => [
    `import sys, _pycds
def find_spec(self, fullname, path, target=None):
    return getattr(self, "spec_for_" + fullname, lambda: None)() if path is None else None
def ask(self):
    sys.asked = True
sys.meta_path.insert(0, type("DistutilsMetaFinder", (), {"__module__": "_distutils_hack", "find_spec": find_spec, "spec_for_who_calls": ask})())
import pkg
first = ${HOW}, _pycds.stats()["served_by_get_code"]
import who_calls
print(*first, _pycds.stats()["served_by_get_code"], sys.asked)`,
  ],
  (t, { taken }) => {
    t.deepEqual(stdoutOf(taken), ['taken 0 1 True\n'])
  },
)

forkedTest(
  'the finder of virtualenv keeps only the modules that it changes from being taken over',
  ['taken'],
  () => [
    `import sys, types, _pycds
sys.asked = []
def find_spec(self, fullname, path, target=None):
    sys.asked.append(fullname)
sys.meta_path.insert(0, type("_Finder", (), {"__module__": "_virtualenv", "find_spec": find_spec})())
import pkg
first = ${HOW}
for name in "distutils", "setuptools":
    package = sys.modules[name] = types.ModuleType(name)
    package.__path__ = []
    try: __import__(name + ".dist")
    except ImportError: pass
print(first, *sys.asked)`,
  ],
  (t, { taken }) => {
    t.deepEqual(stdoutOf(taken), ['taken distutils.dist setuptools.dist\n'])
  },
)

each('a finder of the program in front, or -v, leaves the archive to the finder', async (t, bench) => {
  const text = `import sys
class Silent:
    find_spec = staticmethod(lambda name, path, target=None: None)
sys.meta_path.insert(0, Silent()); import pkg; print(${HOW})`
  t.is((await run(bench, text, TAKEN)).stdout, 'read\n')
  const verbose = await run(bench, 'import pkg.sub; print(pkg.sub.value)', TAKEN, ['-v'])
  t.is(verbose.stdout, '1\n')
  t.regex(verbose.stderr, /^import 'pkg\.sub' # /m)
})

each('-X importtime lists the same modules, nested in the same way', async (t, bench) => {
  const instead = { text: 'import pkg, json, email.message, circle_a', options: ['-X', 'importtime'] }
  const lines = ({ stderr }: Outcome) => {
    const all = stderr.split('\n').map((line) => line.split('|').at(-1) ?? '')
    const since = all.slice(all.findLastIndex((name) => name.trim() === '_pycds') + 1)
    return since.filter((name) => name.trim() !== 'gc')
  }
  const names = lines(await bench.runWithArchive(mainOf(bench), TAKEN, instead))
  const stock = lines(await bench.runStock(mainOf(bench), {}, instead))
  t.true(names.length > 3)
  t.deepEqual(names, stock)
})

each('python -m, and a bytecode directory of its own, work as ever', async (t, bench) => {
  const asMain = 'import runpy, sys; sys.argv = ["x", "argument"]; runpy._run_module_as_main("runnable")'
  const main = await run(bench, asMain, {})
  t.regex(main.stdout, /^main runnable runnable\.py True/)
  t.deepEqual(main, await bench.runStock(mainOf(bench), {}, { text: asMain }))
  const prefix = { PYTHONPYCACHEPREFIX: join(bench.directory, 'elsewhere') }
  const text = 'import pkg.sub, json; print(getattr(pkg.sub, "__cached__", 0), json.__spec__.cached)'
  const cached = await run(bench, text, { ...TAKEN, ...prefix })
  t.deepEqual(cached, await bench.runStock(mainOf(bench), prefix, { text }))
  t.regex(cached.stdout, /elsewhere/)
})

forkedTest(
  'what shadows a module wins: in the working directory, in PYTHONPATH',
  ['taken'],
  (bench) => {
    const shadow = join(bench.directory, 'shadow')
    mkdirSync(join(shadow, 'json'), { recursive: true })
    writeFileSync(join(shadow, 'json/__init__.py'), 'shadow = "package"\n')
    writeFileSync(join(shadow, 'who_calls_2.py'), 'shadow = "module"\n')
    const text = 'import json, who_calls_2; print(json.shadow, who_calls_2.shadow)'
    return [
      `import sys; sys.path.insert(0, ""); import os; os.chdir(${JSON.stringify(shadow)}); ${text}`,
      `import sys; sys.path.insert(0, ${JSON.stringify(shadow)}); ${text}`,
    ]
  },
  (t, { taken }) => {
    t.deepEqual(stdoutOf(taken), ['package module\n', 'package module\n'])
  },
)

forkedTest(
  'what a program writes in front of a module wins, after importlib.invalidate_caches at once',
  ['taken', 'finder'],
  (bench) => {
    const directory = join(bench.directory, 'written')
    mkdirSync(directory, { recursive: true })
    return [
      `import importlib, os, sys; directory = "%s/%d" % (${JSON.stringify(directory)}, os.getpid()); os.mkdir(directory); sys.path.insert(0, directory); import json
for name in ("who_calls_3", "circle_b"):
    open(os.path.join(directory, name + ".py"), "w").write("written = 1")
    importlib.invalidate_caches()
    print(__import__(name).written)
    os.unlink(os.path.join(directory, name + ".py"))
sys.path[0] = ""; os.chdir("/"); import email.message; os.chdir(directory)
open("who_calls_4.py", "w").write("written = 2")
importlib.invalidate_caches()
import who_calls_4; print(who_calls_4.written); os.unlink("who_calls_4.py")`,
    ]
  },
  (t, { taken, finder }) => {
    t.deepEqual(stdoutOf([...taken, ...finder]), ['1\n1\n2\n', '1\n1\n2\n'])
  },
)
