// SPDX-License-Identifier: Apache-2.0
// What imports put over the standard streams, find out about them and keep of them: of the process, not of the bake.
import { spawnSync } from 'node:child_process'
import test from 'ava'
import { missing, unless } from '../helpers/skipped.js'
import { freezableToTry, type StartOptions } from '../helpers/snapshot.js'
import { testInTurn } from '../helpers/test-in-turn.js'
import { WarmBench } from '../helpers/warm.js'

const ENV = { PYTHONHASHSEED: '0' }

const pythons = freezableToTry()
if (pythons.length === 0)
  test.skip('no CPython on this machine that can be frozen: nothing is put over a stream', () => undefined)

/** As colorama does it, in short. */
const MODULES: Record<string, string> = {
  'colorama/__init__.py': 'from .initialise import init, deinit, reinit\n',
  'colorama/initialise.py': [
    'import atexit, sys',
    'orig_stdout = orig_stderr = wrapped_stdout = wrapped_stderr = None',
    'atexit_done = False',
    'class Wrapper:',
    '    def __init__(self, stream, strip): self.stream, self.strip = stream, strip',
    '    def __getattr__(self, name): return getattr(self.stream, name)',
    '    def write(self, text): self.stream.write(text.replace("\\033[1m", "") if self.strip else text)',
    'def wrap(stream, strip): return stream if stream.isatty() and not strip else Wrapper(stream, strip is not False)',
    'def reset_all(): print("reset", orig_stdout is sys.__stdout__)',
    'def init(strip=None):',
    '    global orig_stdout, orig_stderr, wrapped_stdout, wrapped_stderr, atexit_done',
    '    orig_stdout, orig_stderr = sys.stdout, sys.stderr',
    '    if sys.stdout is not None: sys.stdout = wrapped_stdout = wrap(orig_stdout, strip)',
    '    if sys.stderr is not None: sys.stderr = wrapped_stderr = wrap(orig_stderr, strip)',
    '    if not atexit_done: atexit.register(reset_all); atexit_done = True',
    'def deinit(): sys.stdout, sys.stderr = orig_stdout, orig_stderr',
    'def reinit(): sys.stdout, sys.stderr = wrapped_stdout, wrapped_stderr',
  ].join('\n'),
  'colors.py':
    'import atexit\natexit.register(print, "before")\nimport colorama\nVALUE = colorama.init()\natexit.register(print, "behind")\n',
  'strips.py': 'from colorama import init\ninit(strip=True)\n',
  'keeps.py': 'import sys\ndef write(text, to=sys.stdout): to.write(text); return type(to).__name__\n',
  'errors.py': 'from sys import stderr\nVALUE = type(stderr).__name__\n',
  'plain.py': 'import json\nVALUE = "plain"\n',
  'asks.py': 'import sys\nVALUE = sys.stdout.isatty()\n',
  'asks_size.py':
    'import os\ntry: VALUE = os.get_terminal_size(0)\nexcept OSError as error: VALUE = error.errno\n',
}
/** Modules that know of a stream, or have one, which is not destroyed as long as they have not been put in place. */
const KNOW_STREAMS: Record<string, string> = {
  reads_name: 'import sys\nVALUE = sys.stdout.encoding, sys.stderr.encoding\n',
  has_default: MODULES['keeps.py'] ?? '',
  has_both: 'import sys\nclass Own:\n    streams = [sys.stdout, sys.stderr]\n',
}
/** Modules that ask a stream what it is like. */
const ASK_STREAMS: Record<string, string> = {
  says: 'import sys\nVALUE = sys.stdout.encoding, sys.stdout.errors, sys.stdin.closed\n',
  flushes:
    'import sys\nVALUE = sys.stdout.line_buffering, sys.stderr.line_buffering, sys.stderr.write_through\n',
  buffers: 'import sys\nVALUE = type(sys.stdout.buffer).__name__, hasattr(sys.stderr.buffer, "raw")\n',
  reads: 'import sys\ndef source(one=sys.stdin): return type(one).__name__\nVALUE = source()\n',
  all_three: 'import sys\nVALUE = [type(getattr(sys, one)).__name__ for one in ("stdin", "stdout")]\n',
  plain: 'import json\nVALUE = "plain"\n',
  moves: 'import sys\nVALUE = sys.stdout.seekable(), sys.stdin.seekable()\n',
}
const SHOW_ASKED = `import sys
exec(sys.argv[1])
for name in ${JSON.stringify(Object.keys(ASK_STREAMS))}: print(name, __import__(name).VALUE, file=sys.__stderr__)
`
/** What a program does first, how it is started, and which are not ready then. */
const ASKED: [program: string, o: StartOptions, not: string[]][] = [
  ['pass', {}, []],
  ['pass', { env: { PYTHONUNBUFFERED: '1' } }, ['flushes', 'buffers']],
  ['pass', { redirect: '1>file' }, ['moves']],
  ['pass', { redirect: '<pyvenv.cfg' }, ['moves']],
  ['sys.stdout.reconfigure(encoding="latin-1")', {}, ['says']],
  ['sys.stdout.reconfigure(line_buffering=True)', {}, ['flushes']],
  ['sys.stdin.close()', {}, ['says', 'moves']],
  ['import io; sys.stdin = io.StringIO("x")', {}, ['says', 'reads', 'all_three', 'moves']],
]
/** Text that is written when the modules are destroyed reaches a file when the stream is. */
const AT_THE_END = `
import sys
for name in sys.argv[1:]: __import__(name)
class Last:
    def __init__(self, name): self.name = name
    def __del__(self): print("last of", self.name)
held, cycle = Last("a name"), [Last("a cycle")]
cycle.append(cycle)
`
/** What flushes the streams at the end flushes what stands in their place. */
const IN_PLACE_OF_STREAMS = `
import sys
for name in sys.argv[1:]: __import__(name)
class Tee:
    def __init__(self, stream): self.stream = stream
    def write(self, text): return self.stream.write(text)
    def flush(self): pass
sys.stdout, sys.stderr = Tee(sys.stdout), Tee(sys.stderr)
print("result", end="")
print("trouble", end="", file=sys.stderr)
`
const SHOW = `
import sys
for name in sys.argv[1:]:
    if name.startswith("="): exec(name[1:])
    else: __import__(name)
    print("\\033[1mbold", type(sys.stdout).__name__, type(sys.stderr).__name__, file=sys.stdout)
    print("\\033[1mbold", file=sys.stderr)
    for one in ("colors", "errors", "asks", "asks_size"): print(one, getattr(sys.modules.get(one), "VALUE", None))
if "keeps" in sys.modules: print(sys.modules["keeps"].write("\\033[1mbold\\n"))
if "colorama" in sys.modules: print([type(value).__name__ for name, value in vars(sys.modules["colorama.initialise"]).items() if "std" in name], type(sys.modules["colorama"].init))
`
const ORDERS: [words: string[], ready: string[]][] = [
  [
    ['colors', 'plain'],
    ['colors', 'plain'],
  ],
  [
    ['keeps', 'errors', 'colors'],
    ['keeps', 'errors', 'colors'],
  ],
  [
    ['colors', 'keeps', 'errors', 'plain'],
    ['colors', 'plain'],
  ],
  [
    ['strips', 'colors'],
    ['strips', 'colors'],
  ],
  [['colorama', '=sys.modules["colorama"].init()', 'plain'], ['colorama']],
  [['=import io; sys.stdout = io.TextIOWrapper(sys.stdout.detach(), line_buffering=True)', 'colors'], []],
  [['=import colorama; colorama.initialise.wrap = lambda *one: one[0]', 'colors'], ['colorama']],
  [['=sys.stderr = None', 'colors'], []],
  [
    ['asks', 'asks_size'],
    ['asks', 'asks_size'],
  ],
]
/** In a terminal. */
const IN_TERMINAL: [words: string[], ready: string[]][] = [
  [
    ['colors', 'plain'],
    ['colors', 'plain'],
  ],
  [['asks', 'asks_size'], []],
]

for (const python of pythons) {
  const bench = async (t: Parameters<Parameters<typeof testInTurn>[1]>[0]) => {
    const made = new WarmBench(t, python)
    await made.train()
    for (const [name, text] of Object.entries(MODULES)) made.file(`${made.inSite}/${name}`, text)
    const names = ['keeps', 'errors', 'plain', 'colors', 'strips', 'asks', 'asks_size']
    t.deepEqual((await made.freezeWarm(names, ENV)).leftOut, [])
    return { made, script: made.file('app/main.py', SHOW) }
  }
  const own = ['colorama', 'keeps', 'errors', 'plain', 'colors', 'strips', 'asks', 'asks_size']

  testInTurn(`${python.version}: what is put over the streams is over those of the process`, async (t) => {
    const { made, script } = await bench(t)
    for (const [words, expected] of ORDERS) {
      const { ready } = await made.assertSame(t, words.join(), [script, ...words], { env: ENV })
      t.deepEqual(
        ready.filter((name) => own.includes(name)),
        expected,
        words.join(),
      )
    }
    const shell = ['sh', '-c', 'exec "$@" >&-', 'sh']
    await made.assertSame(t, 'a stream that is closed', [script, 'keeps', 'colors'], {
      env: ENV,
      through: shell,
    })
  })

  unless(missing('script'), testInTurn)(
    `${python.version}: what imports find out about a terminal is that of the process`,
    async (t) => {
      const { made, script } = await bench(t)
      for (const [words, expected] of IN_TERMINAL) {
        const start = (env: Record<string, string>) =>
          spawnSync(
            'script',
            ['-qec', [made.python, script, ...words].map((word) => `'${word}'`).join(' '), '/dev/null'],
            {
              env: made.environment({ ...ENV, ...env }),
              encoding: 'utf8',
            },
          ).stdout
        const plain = start({ PYCDS: 'off' })
        const warm = start({ PYCDS_SNAPSHOT: made.snapshot, PYCDS_LOG: '1' })
        const lines = warm.split('\n')
        t.deepEqual(lines.filter((line) => !line.startsWith('pycds[')).join('\n'), plain)
        const ready = lines.flatMap((line) => /^pycds\[\d+\]: ready ([^:\s]+)/.exec(line)?.[1] ?? [])
        t.deepEqual(
          ready.filter((name) => own.includes(name)),
          expected,
          words.join(),
        )
      }
    },
  )

  testInTurn(
    `${python.version}: what is printed at the very end is not lost, whoever knows of a stream`,
    async (t) => {
      for (const [name, text] of Object.entries(KNOW_STREAMS)) {
        const made = new WarmBench(t, python)
        await made.train()
        made.file(`${made.inSite}/${name}.py`, text)
        t.deepEqual((await made.freezeWarm([name], ENV)).leftOut, [])
        for (const program of [AT_THE_END, IN_PLACE_OF_STREAMS]) {
          const script = made.file('app/main.py', program)
          for (const words of [[], [name]]) {
            const { ready } = await made.assertSame(t, `${name} ${words}`, [script, ...words], { env: ENV })
            t.is(ready.includes(name), words.length > 0)
          }
        }
      }
    },
  )

  testInTurn(
    `${python.version}: who keeps the buffer of a stream has one that is written, and where there are none has none`,
    async (t) => {
      const made = new WarmBench(t, python)
      await made.train()
      made.file(
        `${made.inSite}/keeps_buffer.py`,
        'import sys\nBUFFER = sys.stdout.buffer\ndef write(text): return BUFFER.write(text)\n',
      )
      made.file(`${made.inSite}/plain.py`, 'VALUE = 1\n')
      const text =
        'import keeps_buffer; print("a", end=""); print(keeps_buffer.write(b"b"), keeps_buffer.BUFFER)'
      const script = made.file('app/main.py', text)
      t.deepEqual((await made.freezeWarm(['keeps_buffer', 'plain'], ENV)).leftOut, [])
      await made.assertSame(t, 'with buffers', [script], { env: ENV })
      const env = { ...ENV, PYTHONUNBUFFERED: '1' }
      await made.assertSame(t, 'without', [script], { env }, 'CONFIGURATION')
      for (const held of ['sys.stdout.buffer.raw', 'weakref.ref(sys.stderr.buffer)']) {
        made.file(`${made.inSite}/keeps_other.py`, `import sys, weakref\nHELD = ${held}\n`)
        t.deepEqual((await made.freezeWarm(['keeps_other', 'plain'], ENV)).leftOut, [])
        await made.assertSame(t, held, [script], { env }, 'CONFIGURATION')
      }
      t.deepEqual((await made.freezeWarm(['plain'], ENV)).leftOut, [])
      await made.assertSame(t, 'without', [script], { env })
    },
  )

  testInTurn(
    `${python.version}: who has asked a stream what it is like is held while it says the same`,
    async (t) => {
      const bench = new WarmBench(t, python)
      await bench.train()
      for (const [name, text] of Object.entries(ASK_STREAMS)) bench.file(`${bench.inSite}/${name}.py`, text)
      bench.file(
        `${bench.inSite}/position.py`,
        'import sys\ntry: VALUE = sys.stdout.tell()\nexcept OSError: VALUE = -1\n',
      )
      const names = Object.keys(ASK_STREAMS)
      const { leftOut } = await bench.freezeWarm([...names, 'position'], ENV)
      t.deepEqual(
        leftOut.map(({ name, reason }) => [name, reason]),
        [['position', 'SURROUNDINGS']],
      )
      const script = bench.file('app/main.py', SHOW_ASKED)
      for (const [program, o, not] of ASKED) {
        const what = `${program} ${JSON.stringify(o)}`
        const { ready } = await bench.assertSame(t, what, [script, program], {
          ...o,
          env: { ...ENV, ...o.env },
        })
        t.deepEqual(
          names.filter((name) => !ready.includes(name)),
          not,
          what,
        )
      }
    },
  )
}
