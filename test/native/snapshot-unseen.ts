// SPDX-License-Identifier: Apache-2.0
// What imports leave where no namespace shows it: in the interpreter, in libraries, in classes without a name, in errors.
import test from 'ava'
import { freezableToTry } from '../helpers/snapshot.js'
import { testInTurn } from '../helpers/test-in-turn.js'
import { WarmBench } from '../helpers/warm.js'

const ENV = { PYTHONHASHSEED: '0' }

const pythons = freezableToTry()
if (pythons.length === 0)
  test.skip('no CPython on this machine that can be frozen: nothing is left unseen', () => undefined)

const SETS_NUMPY = 'import numpy.core.arrayprint as own\nown._format_options["precision"] = 2\n'
const MODULES: Record<string, string> = {
  'filters.py': [
    'import warnings',
    'with warnings.catch_warnings(record=True) as caught:',
    '    warnings.simplefilter("always")',
    '    warnings.warn("deprecated here", UserWarning)',
  ].join('\n'),
  'nameless.py': [
    'def make():',
    '    class Local: pass',
    '    return Local',
    'One = make()',
    'class Again: number = 1',
    'First = Again',
    'class Again: number = 2',
  ].join('\n'),
  'names.py': 'import nameless\nnameless.One.patched = nameless.First.patched = True\n',
  'keeps_error.py': 'try:\n    import accelerator\nexcept ImportError as error:\n    ERROR = error\n',
  'in_handler.py': 'try:\n    import accelerator\nexcept ImportError:\n    import keeps_error_too\n',
  'keeps_error_too.py': 'try:\n    import accelerator_too\nexcept ImportError as error:\n    ERROR = error\n',
  'joins.py': 'import os\nVALUE = os.path.join("a", "b"), os.path.isdir("/")\n',
  // What is looked at in numpy 1, by its name.
  'numpy/__init__.py': '',
  'numpy/core/__init__.py': '',
  'numpy/core/arrayprint.py': '_format_options = {"precision": 8}\n',
  'sets_numpy.py': SETS_NUMPY,
}
const NAMES = [...Object.keys(MODULES)].map((path) =>
  path.replace(/(\/__init__)?\.py$/, '').replaceAll('/', '.'),
)

/** Programs, and what must, or must not, be ready in them. */
const PROGRAMS: [program: string, ready: readonly string[], not: readonly string[]][] = [
  ['import joins\nopen("/etc/hostname")\nprint("warnings" in sys.modules)', ['joins'], []],
  ['import filters\nopen("/etc/hostname")', ['filters'], []],
  ['import nameless\nprint(vars(nameless.One).keys(), vars(nameless.First).keys())', ['nameless'], []],
  ['import names, nameless\nprint(nameless.One.patched, nameless.First.patched)', ['names'], []],
  ['import keeps_error\nprint(repr(keeps_error.ERROR.__context__))', ['keeps_error'], []],
  [
    'try: import fast\nexcept ImportError: import keeps_error\nprint(repr(keeps_error.ERROR.__context__))',
    [],
    ['keeps_error'],
  ],
  ['import os\nos.path.join = lambda *parts: "mine"\nimport joins\nprint(joins.VALUE)', [], ['joins']],
  ['import stat\nstat.S_ISDIR = lambda mode: "mine"\nimport joins\nprint(joins.VALUE)', [], ['joins']],
  [
    'import numpy.core.arrayprint\nprint(numpy.core.arrayprint._format_options)',
    ['numpy.core.arrayprint'],
    [],
  ],
]

for (const python of pythons) {
  testInTurn(
    `${python.version}: what an import leaves unseen is there for those alone that import it`,
    async (t) => {
      const bench = new WarmBench(t, python)
      await bench.train()
      for (const [path, text] of Object.entries(MODULES)) bench.file(`${bench.inSite}/${path}`, `${text}\n`)
      const { leftOut } = await bench.freezeWarm(['weakref', 'traceback', ...NAMES], ENV)
      t.deepEqual(leftOut.map(({ name, reason }) => [name, reason]).sort(), [
        ['in_handler', 'SURROUNDINGS'],
        ['keeps_error_too', 'SURROUNDINGS'],
        ['sets_numpy', 'INTERPRETER'],
      ])
      for (const [program, ready, not] of PROGRAMS) {
        const found = await bench.assertSame(t, program, ['-c', `import sys\n${program}`], { env: ENV })
        for (const name of ready) t.true(found.ready.includes(name), `${name}: ${program}`)
        for (const name of not) t.true(found.not.includes(name), `${name}: ${program}`)
      }
    },
  )
}
