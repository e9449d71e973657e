// SPDX-License-Identifier: Apache-2.0
// What an import asks of the program around it: its arguments, sys.path, what could be imported, `__main__`, its frames, and
// what it has put into builtins. A module that has asked is ready where the program would give the same answer, or is left
// out; those that have not asked are ready.
import test from 'ava'
import { freezableToTry } from '../helpers/snapshot.js'
import { testInTurn } from '../helpers/test-in-turn.js'
import { WarmBench } from '../helpers/warm.js'

const ENV = { PYTHONHASHSEED: '0' }

/** By name, and why it is left out. */
const ASKING: Record<string, [text: string, reason: string]> = {
  arguments_all: ['import sys; V = sys.argv[1:]', 'ARGUMENTS'],
  arguments_first: ['import sys, os; V = os.path.basename(sys.argv[0])', 'ARGUMENTS'],
  arguments_count: ['import sys; V = len(sys.argv)', 'ARGUMENTS'],
  arguments_joined: ['import sys; V = ["x"] + sys.argv', 'ARGUMENTS'],
  arguments_listed: ['import sys; V = [*sys.argv], tuple(sys.argv), " ".join(sys.argv)', 'ARGUMENTS'],
  arguments_original: ['import sys; V = sys.orig_argv[-1:]', 'ARGUMENTS'],
  path_copied: ['import sys; V = list(sys.path)', 'PATH'],
  path_first: ['import sys; V = sys.path[0]', 'PATH'],
  path_modules: [
    'import pkgutil; V = sorted(one.name for one in pkgutil.iter_modules() if "own" in one.name)',
    'PATH',
  ],
  path_searched: [
    'from importlib.machinery import PathFinder; V = PathFinder.find_spec("own_module") is not None',
    'PATH',
  ],
  main_imported: ['import __main__; V = getattr(__main__, "CONFIG", None)', 'MAIN'],
  main_looked_up: ['import sys; V = hasattr(sys.modules["__main__"], "CONFIG")', 'MAIN'],
  main_named: ['try: from __main__ import CONFIG as V\nexcept ImportError: V = None', 'MAIN'],
  main_spec: ['import __main__; V = __main__.__spec__ is None', 'MAIN'],
  frames_all: [
    'import sys\nV, frame = [], sys._getframe()\nwhile frame: V.append(frame.f_code.co_name); frame = frame.f_back\ndel frame',
    'MAIN',
  ],
  frames_numbered: [
    'import sys\nV = None\nfor number in range(20):\n    try: frame = sys._getframe(number)\n    except ValueError: break\n    if "importlib" not in frame.f_code.co_filename: V = frame.f_code.co_filename\ndel frame',
    'MAIN',
  ],
  // The function is there since 3.12.
  frames_modules: [
    'import sys\nname_of = getattr(sys, "_getframemodulename", lambda depth: sys._getframe(depth + 1).f_globals["__name__"])\nV = []\nfor number in range(8):\n    try: V.append(name_of(depth=number))\n    except ValueError: break\nV = [name for name in V if name and "importlib" not in name]',
    'MAIN',
  ],
}

/** Ready where the program has nothing else. */
const READY: Record<string, string> = {
  asks_nothing: 'V = 1',
  keeps_arguments: 'import sys; V = sys.argv, sys.path\ndef main(words=sys.argv): return words',
  is_argument: 'import sys; V = "--observed" in sys.argv',
  is_entry: 'import sys; V = "/observed" in sys.path',
  imports_main: 'import __main__; del __main__',
  own_frames:
    'import sys, collections\ndef caller(): return sys._getframe(1).f_code.co_name, sys._getframe().f_back.f_globals["__name__"]\nV = caller(), collections.namedtuple("N", "a").__module__',
  finds:
    'import importlib.util; V = importlib.util.find_spec("found").origin, importlib.util.find_spec("packed.part") is not None',
  finds_builtin: 'import importlib.util; V = importlib.util.find_spec("_sha1") is not None',
  finds_none:
    'import importlib.util; V = importlib.util.find_spec("own_module") is None, importlib.util.find_spec("packed.none") is None',
  has_version: 'import importlib.metadata; V = importlib.metadata.version("observed")',
  has_points:
    'import importlib.metadata\nV = sorted(one.value for one in importlib.metadata.entry_points(group="observed"))',
  has_none:
    'import importlib.metadata\ntry: V = importlib.metadata.version("own")\nexcept importlib.metadata.PackageNotFoundError: V = None',
  extended: 'from pkgutil import extend_path; __path__ = extend_path([], "extended")',
  uses_builtins: 'try: V = observed\nexcept NameError: V = open.__name__',
}

const HEAD = 'import sys\nCONFIG = 1\n'
const SHOW = (names: readonly string[]) =>
  `for name in ${JSON.stringify(names)}:\n    module = __import__(name)\n    print(name, getattr(module, "V", None), getattr(module, "__path__", None))\n`

/** What a program has, and which of READY it gets as ever. */
const PROGRAMS: [
  what: string,
  before: string,
  words: string[],
  files: Record<string, string>,
  asEver: string[],
][] = [
  ['nothing', '', [], {}, []],
  ['other arguments', '', ['--other', 'word'], {}, []],
  ['an argument that was asked for', '', ['--observed'], {}, ['is_argument']],
  ['other arguments of its own', 'sys.argv = ["other"]', [], {}, ['keeps_arguments']],
  ['more on its path', 'sys.path.append("/observed")', [], {}, ['is_entry']],
  ['another path', 'sys.path = list(sys.path)', [], {}, ['keeps_arguments']],
  ['a module of that name', '', [], { 'own_module.py': '' }, ['finds_none']],
  ['another module of that name', '', [], { 'found.py': '' }, ['finds']],
  [
    'a distribution',
    '',
    [],
    {
      'own-1.dist-info/METADATA': 'Metadata-Version: 2.1\nName: own\nVersion: 1\n',
      'own-1.dist-info/entry_points.txt': '[observed]\na = own:main\n',
    },
    ['has_version', 'has_points', 'has_none'],
  ],
  [
    'a finder of distributions',
    'from importlib.metadata import DistributionFinder\nsys.meta_path.append(type("F", (DistributionFinder,), {"find_spec": lambda *a: None, "find_distributions": lambda *a: ()})())',
    [],
    {},
    ['finds_none', 'has_version', 'has_points', 'has_none'],
  ],
  [
    'a file on its path',
    'sys.path.append(sys.path[0] + "/more.zip")',
    [],
    { 'more.zip': '' },
    ['finds_none', 'has_version', 'has_points', 'has_none', 'extended'],
  ],
  ['a part of a package', '', [], { 'extended/more.py': '' }, ['extended']],
  ['a name in builtins', 'import builtins; builtins.observed = 2', [], {}, Object.keys(READY)],
  [
    'a replaced builtin',
    'import builtins; builtins.open = lambda *a, old=open: old(*a)',
    [],
    {},
    Object.keys(READY),
  ],
  ['what is shown', 'sys.displayhook(5)', [], {}, Object.keys(READY)],
  [
    'a name in builtins for a while',
    'import builtins; builtins.observed = 2\nimport uses_builtins\ndel builtins.observed',
    [],
    {},
    ['uses_builtins'],
  ],
]

const pythons = freezableToTry()
if (pythons.length === 0)
  test.skip('no CPython on this machine that can be frozen: no question of an import is tried', () =>
    undefined)

for (const python of pythons) {
  testInTurn(`${python.version}: what an import asks of the program is asked again`, async (t) => {
    const bench = new WarmBench(t, python)
    await bench.train()
    const put = (name: string, text: string) => bench.file(`${bench.inSite}/${name}`, `${text}\n`)
    for (const [name, [text]] of Object.entries(ASKING)) put(`${name}.py`, text)
    for (const [name, text] of Object.entries(READY))
      put(name === 'extended' ? 'extended/__init__.py' : `${name}.py`, text)
    for (const name of ['found.py', 'packed/__init__.py', 'packed/part.py']) put(name, '')
    put('observed-3.dist-info/METADATA', 'Metadata-Version: 2.1\nName: observed\nVersion: 3')
    put('observed-3.dist-info/entry_points.txt', '[observed]\na = observed:main')
    const ready = Object.keys(READY)
    const asking = Object.keys(ASKING)
    const modules = [
      'collections',
      'importlib.metadata',
      'importlib.util',
      'os',
      'pkgutil',
      ...ready,
      ...asking,
    ]
    const { leftOut } = await bench.freezeWarm(modules, ENV)
    t.deepEqual(
      leftOut.map(({ name, reason }) => [name, reason]).sort(),
      Object.entries(ASKING)
        .map(([name, [, reason]]) => [name, reason])
        .sort(),
    )
    for (const [place, [what, before, words, files, asEver]] of PROGRAMS.entries()) {
      const directory = `app${place}`
      for (const [name, text] of Object.entries(files)) bench.file(`${directory}/${name}`, text)
      const script = bench.file(`${directory}/main.py`, `${HEAD}${before}\n${SHOW([...ready, ...asking])}`)
      const { ready: served } = await bench.assertSame(t, what, [script, ...words], { env: ENV })
      t.deepEqual(
        ready.filter((name) => !served.includes(name)),
        asEver,
        what,
      )
    }
  })
}

const IN_DAYS = (days: number) => `datetime.timedelta(days=${days})`

for (const python of pythons) {
  testInTurn(
    `${python.version}: what compares the date is ready where that has the same answer`,
    async (t) => {
      const bench = new WarmBench(t, python)
      await bench.train()
      const now = new Date()
      const literal = (days: number) => {
        const at = new Date(now.getTime() + days * 86_400_000)
        return [at.getUTCFullYear(), at.getUTCMonth() + 1, at.getUTCDate(), at.getUTCHours()]
      }
      const date = (days: number) => `datetime.date(${literal(days).slice(0, 3).join()})`
      const time = (days: number) => `datetime.datetime(${literal(days).join()})`
      const modules = {
        // A template of another time would say that it is over.
        ends: `import datetime, warnings\nV = ${date(200)} < datetime.date.today()\nif V: warnings.warn("over")`,
        begun: `import datetime; today = datetime.date.today()\nV = ${date(-9)} <= today <= ${date(90)} - ${IN_DAYS(5)}\ndel today`,
        soon: `import datetime; V = datetime.datetime.now() > ${time(0.6)}, ${time(-3)} == datetime.datetime.now()`,
        asks: 'import datetime; V = datetime.date.today().year > 1990, datetime.datetime.now().tzinfo',
      }
      const keeps = {
        kept: 'import datetime; V = datetime.date.today()',
        made: 'import datetime; V = datetime.date.today().isoformat()',
        later: `import datetime; V = str(datetime.datetime.now() - ${IN_DAYS(1)})`,
      }
      const all = { ...modules, ...keeps }
      for (const [name, text] of Object.entries(all)) bench.file(`${bench.inSite}/${name}.py`, text)
      const { leftOut } = await bench.freezeWarm(['datetime', ...Object.keys(all)], ENV)
      t.deepEqual(new Set(leftOut.map(({ name }) => name)), new Set(Object.keys(keeps)))
      const names = Object.keys(modules)
      const ready = async (what: string, before: string) => {
        const program = `${before}\n${SHOW(names)}\nimport datetime; print(type(datetime.date.today()).__mro__)`
        const found = await bench.assertSame(t, what, ['-c', program], { env: ENV })
        return found.ready.filter((name) => names.includes(name))
      }
      t.deepEqual(await ready('as it was', ''), names)
      const zone = (hours: number) => `import os, time\nos.environ["TZ"] = "XXX-${hours}"\ntime.tzset()`
      t.deepEqual(await ready('an hour later', zone(1)), [])
      t.deepEqual(await ready('a day later', zone(24)), [])
      t.deepEqual(await ready('another clock', 'import time; time.time = lambda: 4e9'), [])
    },
  )
}
