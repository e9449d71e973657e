// SPDX-License-Identifier: Apache-2.0
// Modules that somebody else than Python's own search has found, and that importlib's own loader reads: their code comes
// from the archive, whoever found them. Each scenario prints the same with an archive as without.
import { cpSync } from 'node:fs'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { findPythons } from '../helpers/interpreters.js'
import { Bench, type Ran } from '../helpers/python.js'
import { assertReference } from '../helpers/reference.js'
import { inRepository } from '../helpers/repository.js'
import { testInTurn } from '../helpers/test-in-turn.js'

interface Scenario {
  title: string
  text: string
  /** Modules of the scenario that come from the archive; `read`: by way of get_code, where the library brings in nothing more. */
  served?: number
  read?: number
}

const FRONT = `
import importlib.machinery, sys
PathFinder = importlib.machinery.PathFinder
class Front:
    def find_spec(self, name, path=None, target=None):
        asked.append(name)
        return self.change(PathFinder.find_spec(name, path, target))
    def change(self, spec): return spec
asked = []
`
const IMPORT = `
import m1, m2, m3, m4, m5, pkg
for module in m1, m2, m3, m4, m5, pkg:
    print(module.__name__, module.value, module.__file__, module.__cached__ if sys.version_info < (3, 15) else "", getattr(module, "__path__", ""), sorted(vars(module)),
          type(module.__loader__).__name__, module.__spec__.origin, getattr(module, "caller", "") if "Front" in globals() else "")
print(m1.function.__code__.co_filename, m1.function(), sorted(vars(m1.__spec__.loader)) if type(m1.__loader__).__name__ == "SourceFileLoader" else "")
`

const SCENARIOS: Scenario[] = [
  {
    title: 'a finder in front that asks the path finder',
    text: `${FRONT}sys.meta_path.insert(0, Front())${IMPORT}print(asked)`,
    served: 6,
    read: 6,
  },
  {
    title: 'a finder in the place of the path finder',
    text: `${FRONT}sys.meta_path[sys.meta_path.index(PathFinder)] = Front()${IMPORT}print(asked)`,
    served: 6,
    read: 6,
  },
  {
    title: 'the path finder, wrapped',
    text: `import sys, importlib.machinery
asked = []
PathFinder = importlib.machinery.PathFinder
stock = PathFinder.find_spec
PathFinder.find_spec = lambda name, path=None, target=None: asked.append(name) or stock(name, path, target)
${IMPORT}print(asked)`,
    served: 6,
    read: 6,
  },
  {
    title: 'a loader around the genuine one',
    text: `${FRONT}
class Around:
    def __init__(self, loader): self.loader = loader
    def create_module(self, spec): return self.loader.create_module(spec)
    def exec_module(self, module): self.loader.exec_module(module); asked.append("ran " + module.__name__)
    def __getattr__(self, name): return getattr(self.loader, name)
class Chained(Front):
    def change(self, spec):
        if spec and spec.loader: spec.loader = Around(spec.loader)
        return spec
sys.meta_path.insert(0, Chained())${IMPORT}print(asked)`,
    served: 6,
    read: 6,
  },
  {
    title: 'loaders whose get_code or exec_module is replaced by something that calls it',
    text: `${FRONT}
class Wrapped(Front):
    def change(self, spec):
        loader = spec.loader
        stock = loader.get_code
        if spec.name in ("m1", "m2"):
            loader.get_code = lambda name: asked.append("code " + name) or stock(name)
        else:
            def run(module):
                exec(loader.get_code(module.__name__), module.__dict__)
                module.value += " seen"
            loader.exec_module = run
        return spec
sys.meta_path.insert(0, Wrapped())${IMPORT}print(asked)`,
    served: 6,
    read: 6,
  },
  {
    title: 'a class whose get_code is replaced by something that calls it, and then restored',
    text: `import sys, importlib.machinery
loader = importlib.machinery.SourceFileLoader
stock, asked = loader.get_code, []
loader.get_code = lambda self, name: asked.append(name) or stock(self, name)
import m1, m2
loader.get_code = stock
import m3
del loader.get_code
print(loader.get_code is stock, loader.get_code is importlib.machinery.SourceFileLoader.get_code)
${IMPORT}print(asked)`,
    served: 6,
    read: 2,
  },
  {
    title: 'a zip file in front on the search path',
    text: `import sys, os, zipfile, tempfile
path = os.path.join(tempfile.mkdtemp(), "front.zip")
with zipfile.ZipFile(path, "w") as file: file.writestr("zipped.py", "value = 'zipped'")
sys.path.insert(0, path)
import zipped
print(zipped.value)
${IMPORT}`,
    served: 6,
    read: 6,
  },
  {
    title: 'specs that the program makes, and modules that are loaded lazily',
    text: `import importlib.util, importlib.machinery, os, sys
for name in "one", "two":
    path = os.path.join(sys.path[0], "plugins", name + ".py")
    spec = importlib.util.spec_from_file_location("plugin", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    print(module.value, module.__name__, module.__file__, sorted(vars(module)), sorted(vars(spec.loader)))
    print("plugin" in sys.modules)
def lazily(name):
    spec = importlib.util.find_spec(name)
    spec.loader = importlib.util.LazyLoader(spec.loader)
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module
lazy = lazily("m1")
print(type(lazy).__name__, object.__getattribute__(lazy, "__spec__").name, lazy.value, type(lazy).__name__, type(lazy.__loader__).__name__)
spec = importlib.util.find_spec("m2")
module = importlib.util.module_from_spec(spec)
spec.loader.exec_module(module)
print(module.value, "m2" in sys.modules)
other = importlib.machinery.SourceFileLoader("another_name", importlib.util.find_spec("m3").origin)
module = importlib.util.module_from_spec(importlib.util.spec_from_loader("another_name", other))
other.exec_module(module)
print(module.value, module.__name__)`,
    served: 5,
    read: 5,
  },
  {
    title: 'python -m, and that module imported again',
    text: `import runpy, sys
sys.argv = ["x", "argument"]
try: runpy._run_module_as_main("pkg.mod")
except SystemExit: pass`,
    served: 2,
    read: 1,
  },
  {
    title: 'a directory that is run',
    text: 'import os, runpy, sys; runpy.run_path(os.path.join(sys.path[0], "tool"), run_name="__main__")',
    served: 1,
    read: 1,
  },
  {
    title: 'subclasses of the loader, which may have methods of their own',
    text: `${FRONT}
class Own(importlib.machinery.SourceFileLoader):
    def get_code(self, name):
        asked.append("code " + name)
        return super().get_code(name)
class Data(importlib.machinery.SourceFileLoader):
    def get_data(self, path):
        return super().get_data(path).replace(b'"m2"', b'"M2"') if path.endswith("m2.py") else super().get_data(path)
    def path_stats(self, path): raise OSError
class Subclassed(Front):
    def change(self, spec):
        spec.loader = (Data if spec.name == "m2" else Own)(spec.name, spec.loader.path)
        return spec
sys.meta_path.insert(0, Subclassed())${IMPORT}print(asked)`,
    served: 0,
    read: 0,
  },
  {
    title: 'a module that is imported a second time, and one that is reloaded',
    text: `import sys, importlib
import m1, m2
first = m1.function.__code__
del sys.modules["m1"]
import m1 as again
print(again.function.__code__ is first, again.function.__code__ == first, again.value)
first = m2.function.__code__
importlib.reload(m2)
print(m2.function.__code__ is first, m2.function.__code__ == first, m2.value)
print(m2.__loader__.get_code("m2") is m2.__loader__.get_code("m2"))`,
    served: 2,
    read: 0,
  },
  {
    title: 'what looks at code without running it',
    text: `import importlib.util, pkgutil, inspect, sys
loader = importlib.util.find_spec("m1").loader
code = loader.get_code("m1")
print(code.co_filename, code.co_name, loader.get_code("m1") == code, loader.get_code(fullname="m1") == code)
import m1
print(m1.value, m1.function.__code__ in code.co_consts)
for call in (lambda: loader.get_code("other"), lambda: loader.get_code(), lambda: loader.get_code("m1", 1),
             lambda: loader.get_code(name="m1"), lambda: loader.get_code(1)):
    try: print(call())
    except (TypeError, ImportError) as error: print(type(error).__name__, error)
print(loader.get_code(None) == code)`,
    served: 0,
    read: 0,
  },
  {
    title: 'the method as programs look at it',
    text: `import importlib.machinery, importlib.abc, inspect, pickle, copy, functools, types, unittest.mock, pydoc, sys
import importlib._bootstrap_external as external
loader, method = importlib.machinery.SourceFileLoader, importlib.machinery.SourceFileLoader.get_code
print(method.__name__, method.__qualname__, method.__doc__, method is external.SourceLoader.get_code, method is importlib.abc.SourceLoader.get_code)
one = loader("m1", sys.path[0] + "/m1.py")
print(callable(method), inspect.isroutine(method), list(inspect.signature(method).parameters), inspect.signature(one.get_code))
print(pickle.loads(pickle.dumps(method)) is method, copy.copy(method) is method, copy.deepcopy(method) is method)
print(one.get_code == one.get_code, one.get_code.__self__ is one, one.get_code.__name__, hash(one.get_code) == hash(one.get_code))
@functools.wraps(method)
def wrapper(*args): return method(*args)
print(wrapper.__name__, wrapper.__doc__ == method.__doc__, wrapper(one, "m1").co_filename == one.path)
with unittest.mock.patch.object(loader, "get_code", autospec=True) as mocked:
    mocked.return_value = compile("value = 'mocked'", "m2.py", "exec")
    import m2
    print(m2.value)
with unittest.mock.patch.object(loader, "get_code", lambda self, name: method(self, name)):
    import m3
    print(m3.value)
print(loader.get_code is method, "get_code" in vars(loader), "get_code" in vars(external.SourceLoader))
print(functools.partial(method, one)("m1").co_name, types.MethodType(method, one)("m1").co_name)`,
  },
  {
    title: "importlib's own functions, replaced",
    text: `import importlib._bootstrap_external as external, os, sys, tempfile
stock, asked, elsewhere = external.cache_from_source, [], tempfile.mkdtemp()
external.cache_from_source = lambda path, *a, **k: asked.append(path) or os.path.join(elsewhere, os.path.basename(path) + "c")
import m1, m2
external.cache_from_source = stock
import m3
print(m1.value, m2.value, m3.value, [path for path in asked if "/m" in path], sorted(os.listdir(elsewhere)))`,
    served: 1,
    read: 0,
  },
  {
    title: 'threads that import at once',
    text: `${FRONT}
import threading
sys.meta_path.insert(0, Front())
names = ["m1", "m2", "m3", "m4", "m5", "pkg", "pkg.mod"]
seen = []
def load(turn):
    for name in names[turn:] + names[:turn]: seen.append(__import__(name, fromlist=["value"]).value)
threads = [threading.Thread(target=load, args=(turn,)) for turn in range(7)]
for thread in threads: thread.start()
for thread in threads: thread.join()
print(len(seen), sorted(set(seen)), len(set(asked) & set(names)))`,
    served: 7,
    read: 7,
  },
  {
    title: 'a regular expression, once re has been found by another finder',
    text: `${FRONT}
for name in [name for name in sys.modules if name.partition(".")[0] in ("re", "sre_compile", "sre_parse", "sre_constants")]:
    del sys.modules[name]
sys.meta_path.insert(0, Front())
import re
print(re.compile("a(?P<name>b+)").match("abb").group("name"))`,
  },
]

const MODES = {
  taken: { PYCDS: 'require' },
  finder: { PYCDS: 'require', PYCDS_TAKEOVER: 'off' },
} as const

const pythons = findPythons()
if (pythons.length === 0)
  test.skip('no supported CPython on this machine: what others find is not tested', () => undefined)

let cleanUp: (() => void)[] = []
test.after.always(() => {
  for (const one of cleanUp) one()
  cleanUp = []
})

type Compared = { stock: Ran; taken: Ran; finder: Ran }[]
const comparisons = new Map<string, Promise<Compared>>()

async function compare(python: string): Promise<Compared> {
  const bench = new Bench({ teardown: (undo) => void cleanUp.push(undo) }, python)
  cpSync(inRepository('test/fixtures/found/modules'), join(bench.directory, 'program'), { recursive: true })
  cpSync(inRepository('test/fixtures/found/train.py'), join(bench.directory, 'program/main.py'))
  const script = join(bench.directory, 'program/main.py')
  await bench.train(script)
  const run = (env: Record<string, string>) =>
    bench.runForked(
      script,
      SCENARIOS.map(({ text }) => ({
        text: `import importlib.util, zipimport, unittest.mock, pkgutil, inspect, tempfile, zipfile, runpy\n${before(text)}`,
      })),
      { runtime: 'first', env },
    )
  const stock = await run({ PYCDS: 'off' })
  const taken = await run(MODES.taken)
  const finder = await run(MODES.finder)
  return stock.flatMap((one, i) => {
    assertReference(one.counts)
    const [first, second] = [taken[i], finder[i]]
    return first && second ? [{ stock: one, taken: first, finder: second }] : []
  })
}

/** What the standard library brings in is not counted. */
const before = (text: string) => `import sys
counts = (lambda: (lambda s: (int(s["served"]), int(s["served_by_get_code"])))(sys.modules["_pycds"].stats())) if "_pycds" in sys.modules else lambda: (0, 0)
sys.stored = counts()
import atexit
def tell():
    sys.stderr.write("counted %d %d\\n" % tuple(b - a for a, b in zip(sys.stored, counts())))
atexit.register(tell)
exec(compile(${JSON.stringify(text)}, "scenario", "exec"), {"__name__": "scenario"})
`

const countedOf = ({ outcome }: Ran) => /counted (\d+) (\d+)\n/.exec(outcome.stderr)?.slice(1).map(Number)
const toldBy = ({ outcome }: Ran) => ({ ...outcome, stderr: outcome.stderr.replace(/counted .*\n/, '') })

for (const { path, version } of pythons) {
  for (const [i, { title, served, read }] of SCENARIOS.entries()) {
    testInTurn(
      `${version}: the same as without an archive, and served: ${title}`,
      async (t: ExecutionContext) => {
        const known = comparisons.get(path) ?? compare(path)
        comparisons.set(path, known)
        const one = (await known)[i]
        if (!one) return t.fail('it was not run')
        t.is(one.stock.outcome.code, 0, one.stock.outcome.stderr)
        for (const mode of ['taken', 'finder'] as const) {
          t.is(one[mode].outcome.stdout, one.stock.outcome.stdout, mode)
          t.deepEqual(toldBy(one[mode]), toldBy(one.stock), mode)
          const counted = countedOf(one[mode])
          // Where the take-over is off all go by way of get_code.
          if (served !== undefined) t.deepEqual(counted, [served, mode === 'taken' ? read : served], mode)
        }
      },
    )
  }
}
