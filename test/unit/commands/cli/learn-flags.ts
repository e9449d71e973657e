// SPDX-License-Identifier: Apache-2.0
import test from 'ava'
import { type GateFlags, parseSize, toGates } from '../../../../src/commands/cli/gate-flags.js'
import { type LearnFlags, toLearn } from '../../../../src/commands/cli/learn-flags.js'

test('by default the command of the image is run', async (t) => {
  t.deepEqual(await toLearn({ train: 'entrypoint' }, undefined), {
    mode: 'entrypoint',
    imports: [],
    traces: [],
  })
})

test('modules are imported instead, and may name attributes', async (t) => {
  const { imports } = await toLearn({ train: 'imports', import: ['app.main', 'app:create.x'] }, undefined)
  t.deepEqual(imports, ['app.main', 'app:create.x'])
})

const refuses = test.macro(async (t, flags: LearnFlags, command: string[] | undefined, message: RegExp) => {
  const error = await t.throwsAsync(() => toLearn(flags, command))
  t.is((error as unknown as { code: string }).code, 'USAGE')
  t.regex(error?.message ?? '', message)
})
test(
  'modules without the mode',
  refuses,
  { train: 'entrypoint', import: ['a'] },
  undefined,
  /needs --train imports/,
)
test('the mode without modules', refuses, { train: 'imports' }, undefined, /no module was named/)
test('modules and a command', refuses, { train: 'imports', import: ['a'] }, ['x'], /a command behind --/)
test(
  'modules and readiness',
  refuses,
  { train: 'imports', import: ['a'], ready: ['exit'] },
  undefined,
  /--ready/,
)
test(
  'modules and probes',
  refuses,
  { train: 'imports', import: ['a'], probe: ['GET:1/'] },
  undefined,
  /--probe/,
)
test('no training and no trace', refuses, { train: 'none' }, undefined, /--train none: it uses traces only/)
test('a module that is none', refuses, { train: 'imports', import: ['a/b.py '] }, undefined, /not a module/)
test('a trace that is not there', async (t) => {
  const flags: LearnFlags = { train: 'none', 'trace-in': ['/no/such/trace'] }
  t.like(await t.throwsAsync(() => toLearn(flags, undefined)), { code: 'TRACE_INVALID' })
})

const GATES: GateFlags = { 'check-repro': false, measure: '5', 'dry-run': false }

test('limits become numbers', (t) => {
  t.deepEqual(toGates(GATES), { checkRepro: false })
  const flags = { ...GATES, 'min-speedup': '1.5x', 'max-layer-size': '2.5MB', 'min-hit-rate': '95%' }
  t.deepEqual(toGates(flags), {
    minSpeedup: 1.5,
    maxLayerBytes: 2_500_000,
    minHitRate: 95,
    checkRepro: false,
  })
})

test('a size has a unit', (t) => {
  t.deepEqual(
    ['0B', '1KiB', '1KB', '2GB'].map((text) => parseSize('-', text)),
    [0, 1024, 1000, 2e9],
  )
  for (const text of ['5', '5mb', 'MB', '-1MB', '1e3KB', '99999999999GB']) {
    t.throws(() => parseSize('--max-layer-size', text), { message: /^--max-layer-size/ }, text)
  }
})

test('a limit that nothing would be compared with is refused', (t) => {
  const combined = /cannot be combined/
  t.throws(() => toGates({ ...GATES, 'min-speedup': '2', measure: '0' }), { message: combined })
  t.throws(() => toGates({ ...GATES, 'min-hit-rate': '95', 'dry-run': true }), { message: combined })
  t.throws(() => toGates({ ...GATES, 'min-speedup': '0' }), { message: /not a factor/ })
})
