// SPDX-License-Identifier: Apache-2.0
// Names that imports draw: each process has others, and whoever has got one has the same.
import test from 'ava'
import { freezableToTry } from '../helpers/snapshot.js'
import { testInTurn } from '../helpers/test-in-turn.js'
import { WarmBench } from '../helpers/warm.js'

const ENV = { PYTHONHASHSEED: '0' }

const pythons = freezableToTry()
if (pythons.length === 0)
  test.skip('no CPython on this machine that can be frozen: no name is drawn', () => undefined)

const NAMED: Record<string, string> = {
  named: 'import uuid\nKEY = "key-" + str(uuid.uuid4())\n',
  copies: 'from named import KEY\nagain = KEY\n',
  makes: 'import uuid\ndef make(name): return f"{name}-{uuid.uuid4()}"\n',
  given: 'from makes import make\nONE, TWO = make("one"), make("two")\n',
}
/** What a name may have got into, or may be. */
const LEFT_OUT: Record<string, [text: string, reason: string]> = {
  derives: ['from named import KEY\nUPPER = KEY.upper()\n', 'DIFFERS'],
  is_key: ['from makes import make\nKEY = make("key")\nTABLE = {KEY: 1}\n', 'DIFFERS'],
  is_attribute: [
    'from makes import make\nKEY = make("key")\nclass Held: pass\nsetattr(Held, KEY, 1)\n',
    'DIFFERS',
  ],
  is_default: ['from makes import make\nKEY = make("key")\ndef get(key=KEY): return key\n', 'DIFFERS'],
  is_hidden: [
    'from makes import make\nimport contextvars\nKEY = make("key")\nHELD = contextvars.ContextVar(KEY)\n',
    'DIFFERS',
  ],
  is_found: ['from makes import make\nKEY = make("key")\nFIND = iter((KEY,)).__next__\n', 'DIFFERS'],
  interns: ['import sys\nfrom makes import make\nKEY = sys.intern(make("key"))\n', 'DIFFERS'],
  keeps: ['import uuid\nKEY = uuid.uuid4()\n', 'ENTROPY'],
  loses: ['import uuid\nlen(str(uuid.uuid4()))\n', 'ENTROPY'],
  secret: ['import os\nKEY = os.urandom(16).hex()\n', 'ENTROPY'],
  secret_too: [
    'import os\nfrom makes import make\nKEY = make("key")\nSECRET = bool(os.urandom(16))\n',
    'ENTROPY',
  ],
}
const FORM = '"[a-z]+-[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"'
const SHOW = [
  'import re, sys',
  'keys = [one for name in ("named", "given") if name in sys.modules for one in vars(sys.modules[name]).values() if type(one) is str and "-" in one and "/" not in one]',
  `print([bool(re.fullmatch(${FORM}, key)) for key in keys], len(set(keys)))`,
  'print([hash(key) == hash("".join(list(key))) for key in keys], ["".join(list(key)) in {key} for key in keys])',
  'print("copies" in sys.modules and sys.modules["copies"].again is sys.modules["named"].KEY)',
].join('\n')
const WITH_NAMES: [program: string, ready: string[]][] = [
  ['import named', ['named']],
  ['import copies', ['copies']],
  ['import named, given\nimport copies', ['named', 'given', 'copies']],
  ['import given, copies', ['given', 'copies']],
  // As a test does that wants to know them.
  ['import uuid\nuuid.uuid4 = lambda of=uuid.UUID(int=1 << 76): of\nimport named, copies', []],
  ['import os, random\nos.urandom = random.randbytes\nimport named', []],
]

for (const python of pythons) {
  testInTurn(
    `${python.version}: a name that an import has drawn is another one in each process`,
    async (t) => {
      const bench = new WarmBench(t, python)
      await bench.train()
      for (const [name, text] of Object.entries(NAMED)) bench.file(`${bench.inSite}/${name}.py`, text)
      for (const [name, [text]] of Object.entries(LEFT_OUT)) bench.file(`${bench.inSite}/${name}.py`, text)
      const names = [...Object.keys(NAMED), ...Object.keys(LEFT_OUT)]
      const { leftOut } = await bench.freezeWarm(['re', 'uuid', ...names], ENV)
      t.deepEqual(
        Object.fromEntries(leftOut.map(({ name, reason }) => [name, reason])),
        Object.fromEntries(Object.entries(LEFT_OUT).map(([name, [, reason]]) => [name, reason])),
      )
      for (const [program, expected] of WITH_NAMES) {
        const script = bench.file('app/names.py', `${program}\n${SHOW}\n`)
        const { ready } = await bench.assertSame(t, program, [script], { env: ENV })
        t.deepEqual(
          ready.filter((name) => name in NAMED),
          expected,
          program,
        )
      }
      const told = async () => {
        const program = 'import named, given; print(named.KEY, given.ONE, given.TWO)'
        const { stdout, snapshot } = await bench.start(['-c', program], { env: ENV })
        t.is(snapshot, 'thawed')
        return stdout.trim().split(' ')
      }
      const all = [...(await told()), ...(await told())]
      t.is(new Set(all).size, 6, all.join(' '))
    },
  )
}
