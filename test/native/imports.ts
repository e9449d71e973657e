// SPDX-License-Identifier: Apache-2.0
// Importing from an archive leaves behind, tells and does what importing without one does: each scenario
// is a program that prints what it sees, and prints the same with the archive as without, in the same
// interpreter, whether importlib's function is taken over or the finder works alone.
import { cpSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { Bench, findPythons, type Outcome } from '../helpers/python.js'
import { inRepository } from '../helpers/repository.js'

const FIXTURES = inRepository('test/fixtures/imports/')

const SCENARIOS: [script: string, claim: string][] = [
  ['attributes', 'specs, loaders, module attributes and their order, sys.modules and its order'],
  ['failures', 'modules that fail, replace or remove themselves, and what they leave behind'],
  ['circles', 'circular imports and their messages'],
  ['threads', 'threads wait for a module that another one imports; crossed imports do not deadlock'],
  ['paths', 'namespace packages, packages that move their __path__'],
  ['finders', 'finders, loaders and import functions that the program replaces'],
  ['wrapped', 'finders in the place of the path finder, and right in front of it'],
  ['addresses', 'functions of importlib that end, and others at their addresses'],
  ['tools', 'reload, runpy, pkgutil, resources, inspect, pickle, find_spec'],
  ['events', 'audit events, traces, profiles and monitoring of module bodies'],
  ['collector', "the collector's settings, whoever sets them, and garbage of an import that does not end"],
  ['processes', 'forks during an import, sub-interpreters'],
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

/** Runs a program in place of the one that was trained. */
function run(bench: Bench, script: string, env: Record<string, string> = {}, options: string[] = []) {
  return bench.runWithArchive(join(bench.directory, 'program/main.py'), env, { text: script, options })
}

const OFF = { PYCDS: 'off' }
const TAKEN = { PYCDS: 'require' }
const FINDER = { PYCDS: 'require', PYCDS_TAKEOVER: 'off' }

function each(title: string, body: (t: ExecutionContext, bench: Bench) => Promise<void>): void {
  for (const { path, version } of pythons) {
    test(`${version}: ${title}`, async (t) => body(t, await benchOf(path)))
  }
}

/** Addresses of objects differ from process to process. */
const withoutAddresses = ({ code, stdout, stderr }: Outcome) => {
  const plain = (text: string) => text.replaceAll(/0x[0-9a-f]+/g, '0x')
  return { code, stdout: plain(stdout), stderr: plain(stderr) }
}

for (const [script, claim] of SCENARIOS) {
  each(`the same as without an archive: ${claim}`, async (t, bench) => {
    const text = `exec(compile(open(${JSON.stringify(join(bench.directory, `scenarios/${script}.py`))}).read(), "scenario", "exec"))`
    const stock = withoutAddresses(await run(bench, text, OFF))
    t.is(stock.code, 0, stock.stderr)
    for (const env of [TAKEN, FINDER]) {
      const served = withoutAddresses(await run(bench, text, env))
      t.is(served.stdout, stock.stdout)
      t.deepEqual(served, stock)
    }
  })
}

each(
  'an archived module is run without importlib’s frames where its functions are known',
  async (t, bench) => {
    const text = `import pkg, _pycds; print("importlib" in pkg.caller, _pycds.stats()["takeover"])`
    t.is((await run(bench, text, TAKEN)).stdout, 'False 1\n')
    t.is((await run(bench, text, FINDER)).stdout, 'True 0\n')
  },
)

each('the AWS command line keeps its archive behind its own finder', async (t, bench) => {
  const text = `import sys, importlib.machinery, _pycds
class TopLevelImportAliasFinder:
    __module__ = "awscli"
    _PACKAGES = ["botocore"]
    _underlying_finder = importlib.machinery.PathFinder
    def find_spec(self, *args): return self._underlying_finder.find_spec(*args)
sys.meta_path[sys.meta_path.index(importlib.machinery.PathFinder)] = TopLevelImportAliasFinder()
before = _pycds.stats()["served"]
import pkg, who_calls_2
print(_pycds.stats()["served"] - before > 1)`
  for (const env of [TAKEN, FINDER]) t.is((await run(bench, text, env)).stdout, 'True\n')
})

each('where a function of importlib has been replaced, the finder works alone', async (t, bench) => {
  const program = (
    patch: string,
  ) => `import sys, importlib._bootstrap as b, importlib._bootstrap_external as e
${patch}
sys.path[:0] = [${JSON.stringify(join(bench.directory, 'hook'))}, ${JSON.stringify(join(bench.directory, 'program'))}]
import _pycds; del sys.path[0]; import pkg
print(_pycds.stats()["takeover"], "importlib" in pkg.caller, _pycds.stats()["served"] > 0)`
  const start = async (patch: string) =>
    (await bench.run(['-c', program(patch)], { PYCDS_ARCHIVE: bench.archive, PYCDS: 'require' })).stdout
  t.is(await start(''), '1 False True\n')
  t.is(await start('stock = b._find_spec; b._find_spec = lambda *a: stock(*a)'), '0 True True\n')
  const callable = 'type("W", (), {"__call__": lambda self, *a, **k: stock(*a, **k)})()'
  t.is(await start(`stock = b._find_and_load; b._find_and_load = ${callable}`), '0 True True\n')
  const loader =
    'stock = e.SourceLoader.get_code; e.SourceLoader.get_code = lambda self, name: stock(self, name)'
  t.is(await start(loader), '1 True False\n')
})

each('the finder of setuptools does not keep modules from being taken over', async (t, bench) => {
  const text = `import sys
def find_spec(self, fullname, path, target=None):
    return getattr(self, "spec_for_" + fullname, lambda: None)() if path is None else None
def ask(self):
    sys.asked = True
sys.meta_path.insert(0, type("DistutilsMetaFinder", (), {"__module__": "_distutils_hack", "find_spec": find_spec, "spec_for_who_calls": ask})())
import pkg, who_calls
print("importlib" in pkg.caller, "importlib" in who_calls.caller, sys.asked)`
  t.is((await run(bench, text, TAKEN)).stdout, 'False True True\n')
})

each('a finder of the program in front, or -v, leaves the archive to the finder', async (t, bench) => {
  const text = `import sys
class Silent:
    find_spec = staticmethod(lambda name, path, target=None: None)
sys.meta_path.insert(0, Silent()); import pkg, _pycds; print("importlib" in pkg.caller, _pycds.stats()["served"] > 0)`
  t.is((await run(bench, text, TAKEN)).stdout, 'True True\n')
  const verbose = await run(bench, 'import pkg.sub; print(pkg.sub.value)', TAKEN, ['-v'])
  t.is(verbose.stdout, '1\n')
  t.regex(verbose.stderr, /^import 'pkg\.sub' # /m)
})

each('-X importtime lists the same modules, nested in the same way', async (t, bench) => {
  const lines = async (env: Record<string, string>) => {
    const { stderr } = await run(bench, 'import pkg, json, email.message, circle_a', env, [
      '-X',
      'importtime',
    ])
    const all = stderr.split('\n').map((line) => line.split('|').at(-1) ?? '')
    return all.slice(all.findLastIndex((name) => name.trim() === '_pycds') + 1)
  }
  const names = (await lines(TAKEN)).filter((name) => name.trim() !== 'gc')
  const stock = (await lines(OFF)).filter((name) => name.trim() !== 'gc')
  t.true(names.length > 3)
  t.deepEqual(names, stock)
})

each('python -m, and a bytecode directory of its own, work as ever', async (t, bench) => {
  const hook = { PYCDS_ARCHIVE: bench.archive, PYTHONPATH: join(bench.directory, 'hook') }
  const start = `import sys; sys.path[:0] = [${JSON.stringify(join(bench.directory, 'program'))}]; import _pycds, runpy;
sys.argv = ["x", "argument"]; runpy._run_module_as_main("runnable")`
  const [off, on] = [
    await bench.run(['-c', start], { ...hook, ...OFF }),
    await bench.run(['-c', start], hook),
  ]
  t.regex(on.stdout, /^main runnable runnable\.py True/)
  t.deepEqual(on, off)
  const prefix = { PYTHONPYCACHEPREFIX: join(bench.directory, 'elsewhere') }
  const text = 'import pkg.sub, json; print(getattr(pkg.sub, "__cached__", 0), json.__spec__.cached)'
  const cached = await run(bench, text, { ...TAKEN, ...prefix })
  t.deepEqual(cached, await run(bench, text, { ...OFF, ...prefix }))
  t.regex(cached.stdout, /elsewhere/)
})

each('what shadows a module wins: in the working directory, in PYTHONPATH', async (t, bench) => {
  const shadow = join(bench.directory, 'shadow')
  mkdirSync(join(shadow, 'json'), { recursive: true })
  writeFileSync(join(shadow, 'json/__init__.py'), 'shadow = "package"\n')
  writeFileSync(join(shadow, 'who_calls_2.py'), 'shadow = "module"\n')
  const text = 'import json, who_calls_2; print(json.shadow, who_calls_2.shadow)'
  const front = `import sys; sys.path.insert(0, ""); import os; os.chdir(${JSON.stringify(shadow)});`
  t.is((await run(bench, `${front} ${text}`, TAKEN)).stdout, 'package module\n')
  const pythonPath = `import sys; sys.path.insert(0, ${JSON.stringify(shadow)});`
  t.is((await run(bench, `${pythonPath} ${text}`, TAKEN)).stdout, 'package module\n')
})

each(
  'what a program writes in front of a module wins, after importlib.invalidate_caches at once',
  async (t, bench) => {
    const directory = join(bench.directory, 'written')
    mkdirSync(directory, { recursive: true })
    const text = `import importlib, os, sys; sys.path.insert(0, ${JSON.stringify(directory)}); import json
for name in ("who_calls_3", "circle_b"):
    open(os.path.join(${JSON.stringify(directory)}, name + ".py"), "w").write("written = 1")
    importlib.invalidate_caches()
    print(__import__(name).written)
    os.unlink(os.path.join(${JSON.stringify(directory)}, name + ".py"))
sys.path[0] = ""; os.chdir("/"); import email.message; os.chdir(${JSON.stringify(directory)})
open("who_calls_4.py", "w").write("written = 2")
importlib.invalidate_caches()
import who_calls_4; print(who_calls_4.written); os.unlink("who_calls_4.py")`
    for (const env of [TAKEN, FINDER]) t.is((await run(bench, text, env)).stdout, '1\n1\n2\n')
  },
)
