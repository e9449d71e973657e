// SPDX-License-Identifier: Apache-2.0
// What modules keep for themselves, and set as a program uses them: only those are imported anew that have looked at it.
import test from 'ava'
import { freezableToTry } from '../helpers/snapshot.js'
import { testInTurn } from '../helpers/test-in-turn.js'
import { WarmBench } from '../helpers/warm.js'

const ENV = { PYTHONHASHSEED: '0' }

const pythons = freezableToTry()
if (pythons.length === 0)
  test.skip('no CPython on this machine that can be frozen: nothing is kept', () => undefined)

const MODULES: Record<string, string> = {
  keeps: [
    '_function = public = settings = None',
    'limit, words = 10, ["a"]',
    'def configure(number, **more):',
    '    global limit, settings, words',
    '    limit, settings, words = number, more or settings, ["a"]',
    'def fill():',
    '    global _function',
    '    if _function is None: _function = len',
    '    return _function',
    'def fill_public():',
    '    global public',
    '    public = len',
    'class Holder:',
    '    dirty, count = False, None',
    '    def __init__(self):',
    '        Holder.dirty, Holder.count = True, 1',
  ].join('\n'),
  quiet: 'import keeps\nHAS = keeps.__name__',
  inner: 'import keeps, random, weakref\nHAS = random.Random.__name__, weakref.ref.__name__',
  looks: 'import keeps\nHAS = keeps._function',
  looks_by_name: 'import keeps\nHAS = getattr(keeps, "_" + "function", getattr(keeps, "_function"))',
  looks_at_class: 'from keeps import Holder\nHAS = Holder.dirty, Holder.count',
  inherits: 'import keeps\nclass Own(keeps.Holder): pass\nHAS = Own.dirty',
  looks_at_settings: 'import keeps\nHAS = keeps.settings and sorted(keeps.settings)',
  has_default:
    'import keeps\nclass Client:\n    def __init__(self, limit=keeps.limit): self.limit = limit\nHAS = Client().limit',
  looks_at_words: 'import keeps\nHAS = keeps.words[0]',
  gets_all: 'from keeps import *\nHAS = globals().get("pub" + "lic")',
}
const USERS = Object.keys(MODULES).slice(1)
const LOOK = ['looks', 'looks_by_name']
const LOOK_AT_CLASS = ['looks_at_class', 'inherits']
/** What a program does first, and which are not ready then. */
const USES: [program: string, not: readonly string[]][] = [
  ['pass', []],
  ['keeps.fill()', LOOK],
  ['keeps.configure(keeps.limit)', ['looks_at_words', 'gets_all']],
  ['keeps.configure(20)', ['has_default', 'looks_at_words', 'gets_all']],
  ['keeps.configure(10, mode="fast")', ['looks_at_settings', 'looks_at_words', 'gets_all']],
  ['keeps.limit = True', ['has_default', 'gets_all']],
  ['keeps.fill_public()', ['gets_all']],
  ['keeps.Holder()', LOOK_AT_CLASS],
  ['keeps._function = lambda: "mine"', LOOK],
  ['keeps.Holder.count = 7', ['looks_at_class']],
  // Functions and classes where there were others or none, and names that nothing of it sets.
  ['keeps.fill = print', USERS],
  ['keeps.Holder.dirty = print', USERS],
  ['keeps.Holder.other = None', USERS],
  // As gunicorn does in its workers.
  ['import random; random.seed(bytes(64))', []],
  ['import weakref; weakref.finalize(keeps.Holder, print, "end")', []],
  ['import random; random.shuffle = print', ['inner']],
]
/** Some put themselves into a registry, others look at it. */
const REGISTRY: Record<string, string> = {
  registry:
    'known, order = {}, []\nclass Kind: all = set()\ndef add(name): known[name] = 1; order.append(name); Kind.all.add(name)\ndef names(): return sorted(known)\n',
  first:
    'import logging, registry\nregistry.add("first")\nregistry.extra = registry.Kind.more = 1\nlogging.addLevelName(5, "FINE")\n',
  looks_in: 'import registry\nHAS = sorted(registry.known), len(registry.order)\n',
  is_told: 'import registry\nHAS = registry.names()\n',
  looks_in_class: 'from registry import Kind\nHAS = sorted(Kind.all)\n',
  looks_for: 'import registry\nHAS = getattr(registry, "extra", 0), hasattr(registry.Kind, "more")\n',
  asks_level: 'import logging\nHAS = logging.getLevelName(5)\n',
  brings: 'import first, registry\nHAS = "first" in registry.known\n',
  last: 'import registry\nregistry.add("last")\n',
}
/** What is made once: who asks first makes it. */
const MADE_ONCE: Record<string, string> = {
  makes:
    'import logging\n_console = None\n_nodes = {}\nclass Node:\n    all = {}\n    def __init__(self, name): self.name = name\ndef console():\n    global _console\n    if _console is None: _console = Node("console")\n    return _console\ndef node(name): return _nodes.setdefault(name, Node(name))\ndef symbol(name):\n    if name not in Node.all: Node.all[name] = Node(name)\n    return Node.all[name]\ndef log(): return logging.getLogger("shared")\n',
  asks_first:
    'import makes\nOWN = makes.console(), makes.node("shared"), makes.node("first"), makes.symbol("shared"), makes.log()\nHAS = lambda: OWN[0] is makes.console()\n',
  has_console: 'import makes\nOWN = makes.console()\nHAS = lambda: OWN is makes.console()\n',
  has_node:
    'import makes\nmakes.node("own")\nOWN = [makes.node("shared")]\nHAS = lambda: OWN[0] is makes.node("shared")\n',
  has_symbol:
    'import makes\nclass Own: symbols = {"one": makes.symbol("shared"), "two": makes.symbol("own")}\nHAS = lambda: Own.symbols["one"] is makes.symbol("shared")\n',
  has_logger: 'import makes\nOWN = makes.log()\nHAS = lambda: OWN is makes.log()\n',
  has_class: 'import makes\nfrom makes import Node\nHAS = lambda: Node("x").name\n',
}
/** Packages of which others have imported modules: who finds one there has not asked for it. */
const PACKAGES: Record<string, string> = {
  'lazy/__init__.py':
    'import importlib\nknown = {}\ndef __getattr__(name):\n    if name == "core": return importlib.import_module("lazy.core")\n    raise AttributeError(name)\n',
  'lazy/core.py': 'from . import known\nknown["core"] = VALUE = 1\n',
  'plain/__init__.py': '',
  'plain/part.py': 'VALUE = 1\n',
  'loads.py': 'import lazy.core, plain.part\nHAS = lambda: 1\n',
  'finds_lazy.py': 'import lazy\nVALUE = lazy.core.VALUE\nHAS = lambda: lazy.known["core"]\n',
  'finds_part.py':
    'import plain\nVALUE = getattr(plain, "part", None)\nHAS = lambda: VALUE and VALUE.VALUE\n',
  'adds_finder.py':
    'import sys, importlib.machinery\nclass Finder:\n    def find_spec(self, name, path=None, target=None):\n        if name == "virtual": return importlib.machinery.ModuleSpec(name, self)\n    def create_module(self, spec): return None\n    def exec_module(self, module): module.VALUE = 1\nsys.meta_path.append(Finder())\nHAS = lambda: 1\n',
  'needs_finder.py':
    'try:\n    from virtual import VALUE\nexcept ImportError:\n    VALUE = 0\nHAS = lambda: VALUE\n',
  'asks_itself.py': 'import plain.part\nVALUE = plain.part.VALUE\nHAS = lambda: VALUE\n',
}
const SHOW_FOUND = `
import sys
for name in sys.argv[1:]: print(name, __import__(name).HAS())
print([name for name in sys.modules if name.startswith(("lazy", "plain", "virtual"))])
`
const ORDERS_OF_PACKAGES: typeof ORDERS = [
  [['loads', 'finds_lazy', 'finds_part', 'asks_itself'], []],
  [['finds_lazy', 'asks_itself', 'finds_part'], []],
  [['finds_lazy', 'finds_part'], ['finds_part']],
  [['finds_part', 'loads'], ['finds_part']],
  [['adds_finder', 'needs_finder'], []],
  [['needs_finder', 'adds_finder'], ['needs_finder']],
]
const LOOK_IN = ['looks_in', 'is_told', 'looks_in_class']
const LOOK_FOR = ['looks_for', 'asks_level']
const HAVE = ['has_console', 'has_node', 'has_symbol', 'has_logger']
const SHOW_REGISTRY = `
import sys
for name in sys.argv[1:]: print(name, getattr(__import__(name), "HAS", None))
import registry
print(registry.known, registry.order, registry.Kind.all)
`
const SHOW_MADE = `
import sys
for name in sys.argv[1:]: print(name, __import__(name).HAS())
import makes
print(list(makes._nodes), list(makes.Node.all), makes._console is None)
`
/** What is imported, and which are not ready then. */
const ORDERS: [names: readonly string[], not: readonly string[]][] = [
  [['first', ...LOOK_IN, ...LOOK_FOR, 'last'], []],
  [LOOK_FOR, LOOK_FOR],
  [['brings', 'looks_in'], []],
  [LOOK_IN, LOOK_IN],
  [['last', 'first', ...LOOK_IN], LOOK_IN],
  [['last', 'brings'], ['brings']],
]
/** The same of what is made once. */
const ORDERS_OF_MADE: typeof ORDERS = [
  [['asks_first', ...HAVE, 'has_class'], []],
  [[...HAVE, 'has_class'], HAVE],
]
const SHOW = `
import sys, keeps
exec(sys.argv[1])
for name in sys.argv[2:]: print(name, __import__(name).HAS)
print(keeps._function, keeps.public, keeps.Holder.dirty, list(vars(keeps.Holder)))
`

for (const python of pythons) {
  testInTurn(
    `${python.version}: who has not looked at what a module keeps for itself stays ready`,
    async (t) => {
      const bench = new WarmBench(t, python)
      await bench.train()
      for (const [name, text] of Object.entries(MODULES))
        bench.file(`${bench.inSite}/${name}.py`, `${text}\n`)
      const { leftOut } = await bench.freezeWarm(['random', 'weakref', ...Object.keys(MODULES)], ENV)
      t.deepEqual(leftOut, [])
      const script = bench.file('app/show.py', SHOW)
      for (const [program, not] of USES) {
        for (const order of [USERS, [...USERS].reverse()]) {
          const { ready } = await bench.assertSame(t, program, [script, program, ...order], { env: ENV })
          t.deepEqual(
            USERS.filter((name) => !ready.includes(name)),
            USERS.filter((name) => not.includes(name)),
            program,
          )
        }
      }
    },
  )

  /** Those of a case, frozen together and imported in several orders, are ready but for those that an order names. */
  const inOrders = (
    title: string,
    files: Record<string, string>,
    program: string,
    orders: typeof ORDERS,
    names = Object.keys(files),
  ) =>
    testInTurn(`${python.version}: ${title}`, async (t) => {
      const bench = new WarmBench(t, python)
      await bench.train()
      for (const [name, text] of Object.entries(files))
        bench.file(`${bench.inSite}/${name.endsWith('.py') ? name : `${name}.py`}`, text)
      t.deepEqual((await bench.freezeWarm(names, ENV)).leftOut, [])
      const script = bench.file('app/show.py', program)
      for (const [order, not] of orders) {
        const { ready } = await bench.assertSame(t, order.join(' '), [script, ...order], { env: ENV })
        t.deepEqual(
          order.filter((name) => !ready.includes(name)),
          not,
          order.join(' '),
        )
      }
    })

  inOrders(
    'who has looked at what others put somewhere is held while they have',
    REGISTRY,
    SHOW_REGISTRY,
    ORDERS,
  )
  inOrders(
    'who has got hold of what another one has made is held where that one comes first',
    MADE_ONCE,
    SHOW_MADE,
    ORDERS_OF_MADE,
  )
  inOrders(
    'who finds a module in a package that others have imported imports it, or is held while it is there',
    PACKAGES,
    SHOW_FOUND,
    ORDERS_OF_PACKAGES,
    ['loads', 'finds_lazy', 'finds_part', 'asks_itself', 'adds_finder', 'needs_finder'],
  )
}
