// SPDX-License-Identifier: Apache-2.0
import test from 'ava'
import {
  idlePatterns,
  type PlanInput,
  planSnapshot,
  withNames,
} from '../../../../src/artifact/snapshot/plan.js'
import type { PythonGroup } from '../../../../src/learn/select/interpreter.js'
import type { ModuleCode } from '../../../../src/ports/index.js'

type Process = PythonGroup['processes'][number]

const OPTIONS = { cpu: 'v3', include: [], exclude: [], launch: 'hook' } as const
const SITE = '/venv/lib/python3.12/site-packages'

function moduleAt(name: string, directory: string): ModuleCode {
  const origin = `${directory}/${name.replaceAll('.', '/')}.py`
  return { name, origin } as Partial<ModuleCode> as ModuleCode
}

const JSON_MODULE = moduleAt('json', '/usr/lib/python3.12')
const FLASK = moduleAt('flask', SITE)
const SHOP = moduleAt('shop', '/srv')
const MADE = moduleAt('made', SITE)

function process(words: string[], modules: ModuleCode[], more: Partial<Process> = {}): Process {
  const launcher = '/venv/bin/python3'
  const fields: Partial<Process> = {
    argv: [launcher, ...words],
    python: { launcher, executable: '/usr/bin/python3.12' } as Process['python'],
    noSite: false,
    variables: [],
    siteDirectories: [SITE],
    earlier: [],
    extensions: [],
    held: [],
    modules,
    ...more,
  }
  return fields as Process
}

function input(processes: Process[], more: Partial<PlanInput> = {}): PlanInput {
  const python = { processes } as Partial<PythonGroup> as PythonGroup
  const modules = [JSON_MODULE, FLASK, SHOP]
  return {
    python,
    selection: { modules, leftOut: [] },
    options: { ...OPTIONS },
    secrets: {},
    given: {},
    ...more,
  } as PlanInput
}

test('libraries of the image are imported in advance, for the programs that were seen', (t) => {
  const extension = { name: '_speed', path: `${SITE}/_speed.so` }
  const held = [
    { name: 'json', kinds: ['loads function json.loads'] },
    // Executed again.
    { name: 'json', kinds: ['loads function shop.loads'] },
  ]
  const main = process(['-u', '-m', 'shop'], [JSON_MODULE, FLASK, SHOP, MADE], {
    extensions: [extension],
    held,
  })
  t.deepEqual(planSnapshot(input([process(['-c', 'import json'], [JSON_MODULE]), main])), {
    python: '/venv/bin/python3',
    options: ['-u'],
    environment: {},
    programs: [{ kind: 'module', text: 'shop', imports: ['json', 'flask', '_speed'] }],
    names: ['json', 'flask', '_speed'],
    held: [new Map([['json', ['loads function json.loads']]])],
  })
})

test('processes with the same options are programs too, and forks of one program are one', (t) => {
  const plan = planSnapshot(
    input([
      process(['app.py'], [JSON_MODULE, SHOP]),
      process(['app.py'], [FLASK]),
      process(['-c', 'import json'], [JSON_MODULE]),
    ]),
  )
  t.like(plan, {
    options: [],
    programs: [
      { kind: 'script', text: 'app.py', imports: ['json', 'flask'] },
      { kind: 'command', text: 'import json', imports: ['json'] },
    ],
  })
})

test('what is asked for is taken, and what is not wanted is left out', (t) => {
  const options = { cpu: 'v3' as const, include: ['sh*'], exclude: ['flask*'], launch: 'hook' as const }
  const plan = planSnapshot(input([process(['-m', 'shop'], [JSON_MODULE, FLASK, SHOP])], { options }))
  t.like(plan, { names: ['json', 'shop'] })
})

test('a value that only the training run was given is in no snapshot', (t) => {
  const secrets = { TOKEN: 'hunter22' }
  const plan = planSnapshot(
    input([process(['-c', 'login("hunter22")'], [FLASK]), process(['-m', 'shop'], [JSON_MODULE])], {
      secrets,
    }),
  )
  t.like(plan, { programs: [{ kind: 'module', text: 'shop', imports: ['json'] }] })
  t.false(JSON.stringify(plan).includes('hunter22'))
})

test('without a program, or without a library, there is nothing to freeze', (t) => {
  t.regex(String(planSnapshot(input([process(['-'], [FLASK])]))), /^no main program was seen/)
  t.regex(
    String(planSnapshot(input([process(['-m', 'shop'], [FLASK], { noSite: true })]))),
    /^no main program/,
  )
  const embedded = { python: { launcher: '/usr/bin/uwsgi' } as Process['python'] }
  t.regex(String(planSnapshot(input([process(['app.py'], [FLASK], embedded)]))), /^no main program/)
  t.is(
    planSnapshot(input([process(['-m', 'shop'], [SHOP])])),
    'its programs import no library that a snapshot could hold',
  )
})

test('programs import only what is there', (t) => {
  const plan = planSnapshot(input([process(['-m', 'shop'], [JSON_MODULE, FLASK])]))
  if (typeof plan === 'string') return t.fail(plan)
  t.deepEqual(withNames(plan, ['json']).programs, [{ kind: 'module', text: 'shop', imports: ['json'] }])
})

test('the variables of the program that imports most are those that the image or a program in it has set', (t) => {
  const variables = [
    'PYTHONPATH=/srv/lib=1',
    'TZ=UTC',
    'LD_PRELOAD=/tracer.so',
    'PYTHONUSERBASE=/home/long-secret',
  ]
  const main = process(['-m', 'shop'], [JSON_MODULE, FLASK], { variables: [...variables, 'PYTHONUTF8=1'] })
  const other = process(['-c', 'import json'], [JSON_MODULE])
  const given = { PYTHONUTF8: '1' }
  const plan = planSnapshot(input([other, main], { secrets: { TZ: 'UTC', KEY: 'long-secret' }, given }))
  if (typeof plan === 'string') return t.fail(plan)
  t.deepEqual(plan.environment, { PYTHONPATH: '/srv/lib=1' })
  t.deepEqual(
    plan.programs.map(({ text }) => text),
    ['shop'],
  )
})

test('a pattern that fits nothing is told, by its option', (t) => {
  const extension = { name: '_speed', path: `${SITE}/_speed.so` }
  const main = process(['app.py'], [JSON_MODULE, SHOP], { extensions: [extension], earlier: ['site'] })
  const options = { ...OPTIONS, include: ['shop', 'shpo.*'], exclude: ['json*', '_sp?ed', 'site', 'flask'] }
  t.deepEqual(idlePatterns(input([main], { options })), [
    '--snapshot-include shpo.*: no module of the training run that a snapshot could hold has such a name; it changes nothing',
    '--snapshot-exclude flask: no module of the training run that a snapshot could hold has such a name; it changes nothing',
  ])
})
