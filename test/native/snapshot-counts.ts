// SPDX-License-Identifier: Apache-2.0
// Counters of other modules that go on as imports make objects: each has the number that it would have.
import test from 'ava'
import { freezableToTry } from '../helpers/snapshot.js'
import { testInTurn } from '../helpers/test-in-turn.js'
import { WarmBench } from '../helpers/warm.js'

const ENV = { PYTHONHASHSEED: '0' }

const pythons = freezableToTry()
if (pythons.length === 0)
  test.skip('no CPython on this machine that can be frozen: nothing is counted', () => undefined)

/** As Django's fields and managers have numbers. */
const MODULES: Record<string, string> = {
  fields: [
    'class Field:',
    '    made, automatic = 1000, -1',
    '    def __init__(self):',
    '        self.number = Field.made',
    '        Field.made += 1',
    'class Implicit(Field):',
    '    def __init__(self):',
    '        self.number = Field.automatic',
    '        Field.automatic -= 1',
    'handles = 0',
    'def handle():',
    '    global handles',
    '    handles += 1',
    '    return handles',
    'def how_many(): return Field.made',
    'OWN = Field()',
  ].join('\n'),
  one: 'from fields import *\nHAS = [Field(), Field(), Implicit(), handle()]',
  inner: 'import fields\nHAS = [fields.Field() for i in range(5)] + [fields.handle()]',
  outer: 'import fields\nHAS = [fields.Field()]\nimport inner\nHAS += [fields.Field(), fields.Implicit()]',
  looks: 'import fields\nHAS = [fields.how_many()]',
  looks_again: 'import fields\nHAS = [fields.how_many(), getattr(fields.Field, "automatic")]',
  quiet: 'import fields\nHAS = [fields.OWN]',
  // Two that have seen the same number, one that counts, and one that asks for that in between.
  early: 'import fields\nHAS = [fields.how_many()]',
  late: 'import fields\nHAS = [fields.how_many()]',
  two: 'import fields\nHAS = [fields.Field()]',
  between: 'import early, two, late\nHAS = [*early.HAS, *late.HAS]',
}
/** Not these: what they set is no counter. */
const SETS: Record<string, string> = {
  sets: 'import fields\nfields.Field.made = 7',
  sets_global: 'import fields\nfields.handles = 7',
  sets_text: 'import fields\nfields.Field.made = "seven"',
}
const SHOW = `
import sys, fields
def numbers(name): return [getattr(one, "number", one) for one in sys.modules[name].HAS]
for name in sys.argv[1:]:
    if name.startswith("="): exec(name[1:])
    else: __import__(name); print(name, numbers(name))
    print(fields.Field.made, fields.Field.automatic, fields.handles, list(vars(fields.Field)))
`
/** In the order of the template, and in others: what was imported, and which of these were ready. */
const ORDERS: [words: string[], ready: string[]][] = [
  [
    ['one', 'outer', 'looks'],
    ['one', 'outer', 'looks'],
  ],
  [
    ['one', 'looks_again', 'outer'],
    ['one', 'looks_again', 'outer'],
  ],
  [
    ['one', 'quiet', 'inner'],
    ['one', 'quiet'],
  ],
  [['looks', 'quiet'], ['quiet']],
  [['outer'], []],
  [['inner', 'one'], []],
  [
    ['one', '=fields.Field()', 'outer', 'quiet'],
    ['one', 'quiet'],
  ],
  // Another attribute of the class, and all that has it.
  [['one', '=fields.Field.other = 1', 'quiet'], ['one']],
  [['=fields.handle()', 'one'], []],
  [['one', '=fields.Field.made = True', 'outer'], ['one']],
  [
    ['one', 'looks_again', 'outer', 'looks', 'quiet', 'early', 'late', 'between'],
    ['one', 'looks_again', 'outer', 'looks', 'quiet', 'early', 'late', 'between'],
  ],
  // What the first has seen is no more what the second one sees.
  [
    ['one', 'looks_again', 'outer', 'between'],
    ['one', 'looks_again', 'outer', 'early', 'two'],
  ],
]

for (const python of pythons) {
  testInTurn(`${python.version}: what imports count has the number that it would have`, async (t) => {
    const bench = new WarmBench(t, python)
    await bench.train()
    for (const [name, text] of Object.entries({ ...MODULES, ...SETS }))
      bench.file(`${bench.inSite}/${name}.py`, `${text}\n`)
    const names = [
      'fields',
      'one',
      'looks_again',
      'outer',
      'looks',
      'quiet',
      'early',
      'late',
      'two',
      'between',
    ]
    const { leftOut } = await bench.freezeWarm([...names, ...Object.keys(SETS)], ENV)
    t.deepEqual(
      leftOut.map(({ name, reason }) => [name, reason]).toSorted(),
      Object.keys(SETS).map((name) => [name, 'CHANGED']),
    )
    const script = bench.file('app/main.py', SHOW)
    for (const [words, expected] of ORDERS) {
      const { ready } = await bench.assertSame(t, words.join(), [script, ...words], { env: ENV })
      t.deepEqual(
        ready.filter((name) => name in MODULES && name !== 'fields'),
        expected,
        words.join(),
      )
    }
  })
}
