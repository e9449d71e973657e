// SPDX-License-Identifier: Apache-2.0
// Which modules a snapshot imports in advance, and which of them are left out after it was watched.
import test from 'ava'
import { blame, needsAgain } from '../../../src/artifact/snapshot/blame.js'
import { parseRecord, type WarmModule, type WarmRecord } from '../../../src/artifact/snapshot/record.js'
import { chooseWarmSet } from '../../../src/artifact/snapshot/warm-set.js'

const LIBRARIES = ['/usr/lib/python3.11', '/app/site-packages/']
const traced = (name: string, directory = LIBRARIES[0]) => ({ name, origin: `${directory}/${name}.py` })
const choose = (
  modules: { name: string; origin: string }[],
  include: string[] = [],
  exclude: string[] = [],
) => chooseWarmSet(modules, { libraries: LIBRARIES, include, exclude })

test('libraries are taken in the order of the trace, the application and its script are not', (t) => {
  const modules = [
    traced('zlib'),
    traced('abc'),
    traced('settings', '/app'),
    traced('flask', '/app/site-packages'),
    traced('near', '/usr/lib/python3.11-more'),
    traced('__main__'),
    traced('abc'),
  ]
  t.deepEqual(choose(modules), ['zlib', 'abc', 'flask'])
})

test('globs take further modules in, and leave others out; those count more', (t) => {
  const modules = [
    traced('app', '/app'),
    traced('app.views', '/app'),
    traced('apple', '/app'),
    traced('a+b'),
    traced('re'),
  ]
  t.deepEqual(choose(modules, ['app', 'app.*']), ['app', 'app.views', 'a+b', 're'])
  t.deepEqual(choose(modules, ['app*'], ['app.v?ews', 'a+?']), ['app', 'apple', 're'])
  t.deepEqual(choose(modules, ['*'], ['*']), [])
})

function module(name: string, asks: string[] = [], more: Partial<WarmModule> = {}): WarmModule {
  const events = asks.map((one): ['ask', string] => ['ask', one])
  return {
    name,
    kind: 'source',
    events,
    variables: {},
    files: [],
    faults: [],
    values: {},
    orderless: {},
    held: [],
    renewed: [],
    milliseconds: 1,
    ...more,
  }
}

const recordOf = (modules: WarmModule[], more: Partial<WarmRecord> = {}): WarmRecord => ({
  version: 1,
  key: '1',
  asked: [],
  base: [],
  anew: null,
  shared: [],
  modules,
  faults: [],
  replaced: [],
  changes: [],
  counters: [],
  kept: [],
  early: [],
  moved: [],
  ...more,
})

test('a fault costs its module, and all that needs it: importers and modules of the package', (t) => {
  const record = recordOf([
    module('loud', [], { faults: [['PRINTED', '']], milliseconds: 5 }),
    module('loud.child'),
    module('user', ['json', 'loud']),
    module('user.of.it', ['user']),
    module('json'),
  ])
  const { leftOut, names } = blame(record, ['user.of.it', 'json', 'loud.child'])
  t.deepEqual(names, ['json'])
  t.deepEqual(
    leftOut.map(({ name, reason, because, milliseconds }) => [name, reason, because, milliseconds]),
    [
      ['loud', 'PRINTED', 'loud', 5],
      ['loud.child', 'PRINTED', 'loud', 6],
      ['user', 'PRINTED', 'loud', 7],
      ['user.of.it', 'PRINTED', 'loud', 8],
    ],
  )
})

test('what is excluded takes its importers along, whoever asked for it', (t) => {
  const record = recordOf([
    module('torch'),
    module('torch.cuda'),
    module('app', ['torch.cuda']),
    module('re'),
  ])
  t.deepEqual(blame(record, ['app', 're'], { exclude: ['torch.*'] }).names, ['re'])
})

test('changing another module is a fault, unless that is never there alone', (t) => {
  const changes: WarmRecord['changes'] = [
    ['patch', 'json', 'dumps'],
    ['package.part', 'package', 'table'],
  ]
  const modules = [
    module('json'),
    module('patch', ['json']),
    module('package', ['package.part']),
    module('package.part'),
  ]
  const { leftOut, names } = blame(recordOf(modules, { changes }), ['json', 'patch', 'package'])
  t.deepEqual(names, ['json', 'package'])
  t.like(leftOut, [{ name: 'patch', reason: 'CHANGED', detail: 'json.dumps' }])
})

test('adding to another module is a fault where that may be missing', (t) => {
  const adds: WarmModule['events'] = [['effect', 'attribute', 'json.extra', 1]]
  const named = (name: string, asks: string[]) => {
    const one = module(name, asks)
    return { ...one, events: [...one.events, ...adds] }
  }
  const modules = [module('json'), named('asks', ['json']), named('finds', [])]
  const { leftOut } = blame(recordOf(modules), ['asks', 'finds'])
  t.deepEqual(
    leftOut.map(({ name, reason, detail }) => [name, reason, detail]),
    [['finds', 'CHANGED', 'json.extra']],
  )
  t.deepEqual(blame(recordOf(modules, { base: ['json'] }), ['finds']).leftOut, [])
})

test('a function in the place of another is a fault where a module may have got the wrong one', (t) => {
  const modules = [
    module('held'),
    module('swaps', ['held', 'before']),
    module('before', ['held']),
    module('after', ['swaps']),
    module('apart', ['held']),
    module('pack', ['pack.swaps']),
    module('pack.swaps', ['pack']),
  ]
  const names = modules.map(({ name }) => name)
  const reasons = (haveOriginal: string[], haveFunction: string[], by = 'swaps', place = 'held.plain') =>
    blame(recordOf(modules, { replaced: [[by, place, haveOriginal, haveFunction]] }), names).leftOut.map(
      ({ because, reason, detail }) => [because, reason, detail],
    )
  t.deepEqual(reasons(['before'], ['after']), [])
  const changed = ['swaps', 'CHANGED', 'held.plain']
  for (const [originals, functions] of [
    [['apart'], []],
    [['after'], []],
    [[''], []],
    [[], ['apart']],
    [[], ['']],
  ])
    t.deepEqual(reasons(originals ?? [], functions ?? [])[0], changed)
  t.deepEqual(reasons(['apart'], ['apart'], 'pack.swaps', 'pack.plain'), [], 'it never is without')
})

test('libraries that are known to keep nothing of their answers may ask', (t) => {
  const asks = (reason: string, library: string) =>
    recordOf([module('native', [], { kind: 'extension', faults: [[reason, library]] })])
  const reasons = (record: WarmRecord) =>
    blame(record, ['native'], { elsewhere: record }).leftOut.map(({ reason, detail }) => [reason, detail])
  t.deepEqual(reasons(asks('PID', 'libglog.so.1')), [])
  t.deepEqual(reasons(asks('TIME', 'libglog.so.1')), [['TIME', 'libglog.so.1']])
  t.deepEqual(reasons(asks('PID', 'libother.so.1')), [['PID', 'libother.so.1']])
  t.deepEqual(reasons(asks('ENTROPY', 'libglog.so.1')), [['ENTROPY', 'libglog.so.1']])
  const loads = (library: string) =>
    recordOf([module('native', [], { kind: 'source', faults: [['PID', library]] })])
  t.deepEqual(reasons(loads('libother.so.1')), [['PID', 'libother.so.1']], 'it is loaded by Python code')
  for (const library of ['', 'libglog.so.1', '_posixsubprocess.cpython-311-x86_64-linux-gnu.so'])
    t.deepEqual(reasons(loads(library)), [], library)
})

test('asking for the time is no fault where nothing comes of it, as another import elsewhere tells', (t) => {
  const asks = { faults: [['TIME', ''] as [string, string]] }
  const at = (values: Record<string, string>) =>
    recordOf([
      module('quiet', [], { ...asks, values: { year: '1' } }),
      module('keeps', [], { ...asks, values }),
      module('drawn', [], { values, renewed: ['now'] }),
      module('native', [], { ...asks, kind: 'extension' }),
    ])
  const names = ['quiet', 'keeps', 'drawn', 'native']
  const { leftOut } = blame(at({ now: '1' }), names, { elsewhere: at({ now: '2' }) })
  t.deepEqual(
    leftOut.map(({ name, reason, detail }) => [name, reason, detail]),
    [
      ['keeps', 'TIME', ''],
      ['native', 'TIME', ''],
    ],
  )
  t.like(blame(at({}), ['drawn'], { elsewhere: at({ other: '2' }) }).leftOut[0], { reason: 'TIME' })
  const silent = (values: Record<string, string>) => recordOf([module('silent', [], { values })])
  t.like(blame(silent({ a: '1' }), ['silent'], { elsewhere: silent({ a: '2' }) }).leftOut, [
    { name: 'silent', reason: 'DIFFERS', detail: 'a' },
  ])
})

test('what held something else in a training run is left out with all that imports it', (t) => {
  const held = ['same int 1', 'now function clock.now', 'made', 'drawn str 1f']
  const here = recordOf([module('takes', [], { held, renewed: ['drawn'] }), module('user', ['takes'])])
  const left = (...runs: string[][]) =>
    blame(here, ['takes', 'user'], { trained: runs.map((kinds) => new Map([['takes', kinds]])) }).leftOut
  t.deepEqual(left(), [])
  t.deepEqual(left(held), [])
  // What is made anew in each process, and what is not compared.
  t.deepEqual(left(['same int 1', 'now function clock.now', 'made class app.Made', 'drawn str 2f']), [])
  for (const [kinds, detail] of [
    [['same int 2', 'now function clock.now'], 'same'],
    [['same int 1', 'now function app.<lambda>'], 'now'],
    [['same int 1'], 'now'],
    [[...held, 'more builtins.list'], 'more'],
  ] as const)
    t.like(left(held, [...kinds]), [
      { name: 'takes', reason: 'TRAINING', detail, because: 'takes' },
      { name: 'user', reason: 'TRAINING', because: 'takes' },
    ])
  // Whoever has asked before has a class say that it is of another module.
  const moved = recordOf([module('takes', [], { held: ['Limiter class kit._core.Limiter'] })], {
    moved: [['kit._core', 'Limiter', 'kit']],
  })
  const says = (of: string) => ({ trained: [new Map([['takes', [`Limiter class ${of}.Limiter`]]])] })
  t.deepEqual(blame(moved, ['takes'], says('kit')).leftOut, [])
  t.like(blame(moved, ['takes'], says('other')).leftOut, [{ reason: 'TRAINING', detail: 'Limiter' }])
  // A run that has not executed it says nothing.
  t.deepEqual(blame(here, ['takes', 'user'], { trained: [new Map([['other', ['x int 1']]])] }).leftOut, [])
})

test('another order is no difference where it is another one in each start, and only there', (t) => {
  const holds = (order: string, content = 'same', more: Partial<WarmModule> = {}) =>
    recordOf([module('sets', [], { values: { all: order }, orderless: { all: content }, ...more })])
  const [here, elsewhere] = [holds('1'), holds('2')]
  const reasons = (...again: WarmRecord[]) =>
    blame(here, ['sets'], { elsewhere, again }).leftOut.map(({ reason }) => reason)
  t.true(needsAgain(here, elsewhere, []))
  t.deepEqual(reasons(), ['DIFFERS'])
  // It came as it had come, and then it did not.
  t.true(needsAgain(here, elsewhere, [holds('1')]))
  t.deepEqual(reasons(holds('1')), ['DIFFERS'])
  t.false(needsAgain(here, elsewhere, [holds('1'), holds('3')]))
  t.deepEqual(reasons(holds('1'), holds('3')), [])
  // Other content, and an import that has asked for the time.
  t.deepEqual(reasons(holds('3', 'other')), ['DIFFERS'])
  const other = holds('2', 'other')
  t.false(needsAgain(here, other, []))
  t.like(blame(here, ['sets'], { elsewhere: other, again: [holds('3')] }).leftOut, [{ reason: 'DIFFERS' }])
  // The order may be that of a directory, if there is one.
  const lists = (digest: string): Partial<WarmModule> => ({ events: [['listed', '/lib', digest]] })
  for (const [digest, expected] of [
    ['1f', 1],
    ['', 0],
  ] as const) {
    const came = (order: string) => holds(order, 'same', lists(digest))
    const rules = { elsewhere: came('2'), again: [came('3')] }
    t.is(blame(came('1'), ['sets'], rules).leftOut.length, expected, digest)
  }
  const asks = { faults: [['TIME', ''] as [string, string]] }
  const rules = { elsewhere: holds('2', 'same', asks), again: [holds('3', 'same', asks)] }
  t.like(blame(holds('1', 'same', asks), ['sets'], rules).leftOut, [{ reason: 'TIME' }])
})

test('what could not be imported is not asked for again beside what is left out', (t) => {
  // The one that failed had asked for `loud`, and so had nobody whose import has ended.
  const modules = [module('loud', [], { faults: [['WARNED', 'sys']] }), module('re')]
  const { leftOut, names } = blame(recordOf(modules, { base: ['site'] }), ['loud.part', 'site', 're'])
  t.deepEqual(names, ['site', 're'])
  t.deepEqual(
    leftOut.map(({ name }) => name),
    ['loud'],
  )
})

test('what a module has put into sys.modules comes and goes with it', (t) => {
  const modules = [
    module('six', [], { events: [['set', 'six.moves']], faults: [['TIME', '']] }),
    module('six.moves', [], { kind: 'set' }),
    module('old', ['six.moves']),
  ]
  t.deepEqual(blame(recordOf(modules), ['old']).names, [])
})

test('what could not be imported is left out', (t) => {
  const { leftOut, names } = blame(recordOf([module('other')], { faults: [['FAILED', 'broken']] }), [
    'broken',
    'other',
  ])
  t.deepEqual(names, ['other'])
  t.like(leftOut, [{ name: 'broken', reason: 'FAILED' }])
})

test('a text that is no record is refused', (t) => {
  const { values, orderless, held, ...rest } = module('json', [], {
    values: { a: '1 2' },
    orderless: { a: '3' },
    held: ['a int 1'],
  })
  const text = JSON.stringify({ ...recordOf([]), modules: [rest] })
  t.deepEqual(parseRecord(text, JSON.stringify({ json: [values, orderless, held] })).modules, [
    { ...rest, values, orderless, held },
  ])
  for (const other of ['null', '{}', '{"version": 2}', '[]', '{"version":1,"asked":[],"modules":{}}'])
    t.throws(() => parseRecord(other, '{}'), { message: /not the record/ })
  for (const other of ['null', '1', '{"json": {}}', '{"json": []}'])
    t.throws(() => parseRecord(text, other), { message: /not the record/ })
})
