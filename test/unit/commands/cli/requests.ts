// SPDX-License-Identifier: Apache-2.0
import test from 'ava'
import {
  type BakeFlags,
  type StepFlags,
  toBakeRequest,
  toStepRequest,
  toVerifyRequest,
} from '../../../../src/commands/cli/requests.js'

const FLAGS: BakeFlags = {
  ready: ['exit', 'quiet:2s'],
  network: 'none',
  train: 'entrypoint',
  'check-repro': false,
  timeout: '120s',
  'stop-grace': '10s',
  validate: 'stat',
  'on-train-failure': 'fail',
  pyc: 'auto',
  measure: '5',
  snapshot: false,
  'dry-run': false,
}

test('the flags of a bake become numbers with units and typed choices', async (t) => {
  t.deepEqual(await toBakeRequest('app:1', FLAGS, undefined, {}), {
    reference: 'app:1',
    ready: [{ kind: 'exit' }, { kind: 'quiet', ms: 2_000 }],
    limits: { timeoutMs: 120_000, stopGraceSeconds: 10 },
    probes: [],
    mode: 'entrypoint',
    imports: [],
    traces: [],
    gates: { checkRepro: false },
    surroundings: { env: {}, mounts: [], network: 'none', hosts: [] },
    validate: 'stat',
    onTrainFailure: 'fail',
    pyc: 'auto',
    measureRuns: 5,
    dryRun: false,
  })
})

test('what was not given is absent, what was given is there', async (t) => {
  t.deepEqual(
    Object.keys(await toBakeRequest('app', { ...FLAGS, tag: undefined }, undefined, {})).includes('tag'),
    false,
  )
  const request = await toBakeRequest(
    'app',
    { ...FLAGS, tag: 'app:fast', 'dry-run': true },
    ['python', '-m', 'app'],
    {},
  )
  t.like(request, { tag: 'app:fast', command: ['python', '-m', 'app'], dryRun: true })
})

test('a short grace is never rounded to none', async (t) => {
  const request = await toBakeRequest('app', { ...FLAGS, 'stop-grace': '200ms' }, undefined, {})
  t.is(request.limits.stopGraceSeconds, 1)
})

const refuses = test.macro(async (t, flags: Partial<BakeFlags>, name: RegExp) => {
  const error = await t.throwsAsync(() => toBakeRequest('app', { ...FLAGS, ...flags }, undefined, {}))
  t.like(error, { code: 'USAGE' })
  t.regex(error?.message ?? '', name)
})
test('a bad timeout is named', refuses, { timeout: '0s' }, /^--timeout 0s/)
test('a bad grace is named', refuses, { 'stop-grace': 'soon' }, /^--stop-grace soon/)
test('a bad readiness is named', refuses, { ready: ['exit', 'sometime'] }, /^--ready sometime/)
test('a bad number of runs is named', refuses, { measure: '-1' }, /^--measure -1/)

test('a verification has a gate and another user only when asked', async (t) => {
  const flags = { ready: ['exit'], timeout: '1m', network: 'none' }
  t.deepEqual(await toVerifyRequest('app', flags), {
    reference: 'app',
    ready: [{ kind: 'exit' }],
    limits: { timeoutMs: 60_000, stopGraceSeconds: 2 },
    probes: [],
    surroundings: { env: {}, mounts: [], network: 'none', hosts: [] },
  })
  t.like(await toVerifyRequest('app', { ...flags, 'min-hit-rate': '95%', user: '12345' }, ['tool']), {
    minHitRate: 95,
    user: '12345',
    command: ['tool'],
  })
})

const STEP: StepFlags = {
  ...{
    timeout: '2m',
    'stop-grace': '2s',
    'on-train-failure': 'fail',
    validate: 'stat',
    pyc: 'off',
    snapshot: false,
    here: false,
  },
}

test('SOURCE_DATE_EPOCH is the time of what is written; empty is as good as none', async (t) => {
  const epochOf = async (text: string) =>
    (await toBakeRequest('app', FLAGS, undefined, { SOURCE_DATE_EPOCH: text })).sourceDateEpoch
  t.is(await epochOf('1700000000'), 17e8)
  t.is(await epochOf('0'), 0)
  t.false('sourceDateEpoch' in (await toBakeRequest('app', FLAGS, undefined, { SOURCE_DATE_EPOCH: '' })))
  t.is((await toStepRequest(STEP, ['x'], { SOURCE_DATE_EPOCH: '1' })).sourceDateEpoch, 1)
  for (const bad of ['yesterday', '-1', '1.5', '99999999999']) {
    const env = { SOURCE_DATE_EPOCH: bad }
    for (const read of [
      () => toBakeRequest('app', FLAGS, undefined, env),
      () => toStepRequest(STEP, ['x'], env),
    ]) {
      const error = await t.throwsAsync(async () => void (await read()), undefined, bad)
      t.like(error, { code: 'USAGE' })
      t.regex(error?.message ?? '', /^SOURCE_DATE_EPOCH .*: not a time in seconds since 1970$/)
    }
  }
})

test('a snapshot is asked for with its rules, and rules without a snapshot are refused', async (t) => {
  const snapshot = async (flags: Partial<BakeFlags>) =>
    (await toBakeRequest('app:1', { ...FLAGS, ...flags }, undefined, {})).snapshot
  t.is(await snapshot({}), undefined)
  t.deepEqual(await snapshot({ snapshot: true }), {
    cpu: 'v3',
    include: [],
    exclude: [],
    launch: 'hook',
  })
  t.deepEqual(
    await snapshot({
      snapshot: true,
      'snapshot-cpu': 'native',
      'snapshot-include': ['app*'],
      'snapshot-exclude': ['x'],
      'snapshot-launch': 'entrypoint',
    }),
    { cpu: 'native', include: ['app*'], exclude: ['x'], launch: 'entrypoint' },
  )
  for (const name of ['snapshot-include', 'snapshot-exclude'] as const)
    await t.throwsAsync(() => snapshot({ snapshot: true, [name]: ['x', ''] }), {
      code: 'USAGE',
      message: `--${name}: its value is empty`,
    })
  await t.throwsAsync(() => snapshot({ 'snapshot-exclude': ['x'] }), {
    message: /--snapshot-exclude: there is no snapshot/,
  })
  await t.throwsAsync(() => snapshot({ 'snapshot-launch': 'entrypoint' }), {
    message: /--snapshot-launch: there is no snapshot/,
  })
  await t.throwsAsync(
    () => snapshot({ snapshot: true, train: 'imports', ready: undefined, import: ['app'] }),
    {
      message: /--snapshot: .* --train imports starts none/,
    },
  )
})
