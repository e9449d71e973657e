// SPDX-License-Identifier: Apache-2.0
import test from 'ava'
import type { PycdsError } from '../../../src/errors/index.js'
import { assertArchived, readOutcome } from '../../../src/frontend/outcome.js'

const read = (value: unknown) => readOutcome(Buffer.from(JSON.stringify(value)))

test('a step that wrote an archive tells the Python and its warnings', (t) => {
  t.deepEqual(
    read({
      ...{ schema: 'io.pycds.step/1', python: { version: '3.11.2' }, warnings: ['careful'] },
      archive: { modules: 97, leftOut: [1, 2, 3] },
    }),
    {
      kind: 'baked',
      python: '3.11.2',
      modules: { archived: 97, leftOut: 3 },
      warnings: ['careful'],
    },
  )
})

test('a step that ran nothing tells where containers learn', (t) => {
  const status = {
    schema: 'io.pycds.prepare-root/1',
    python: { version: '3.13.1' },
    directory: '/var/cache/pycds',
  }
  t.deepEqual(read(status), { kind: 'prepared', python: '3.13.1', directory: '/var/cache/pycds' })
})

test('too few archived modules break the limit that is set, and no other', (t) => {
  const outcome = {
    kind: 'baked',
    python: '3.11.2',
    modules: { archived: 97, leftOut: 3 },
    warnings: [],
  } as const
  t.notThrows(() => assertArchived(outcome, undefined))
  t.notThrows(() => assertArchived(outcome, 97))
  t.is(t.throws<PycdsError>(() => assertArchived(outcome, 97.1))?.code, 'GATE_FAILED')
})

test('a step that failed tells its error', (t) => {
  const outcome = read({ error: { code: 'NO_PYTHON', message: 'none', hint: 'add one', exitCode: 4 } })
  if (outcome.kind !== 'failed') return t.fail('not failed')
  t.like(outcome.error, { code: 'NO_PYTHON', message: 'none', hint: 'add one' })
})

test('a run that failed is made otherwise with build arguments, not with options', (t) => {
  for (const code of ['TRAINING_FAILED', 'TRAINING_TIMEOUT']) {
    const outcome = read({ error: { code, message: 'crashed', hint: 'Give --train imports', exitCode: 3 } })
    if (outcome.kind !== 'failed') return t.fail('not failed')
    t.regex(outcome.error.hint, /PYCDS_COMMAND.*PYCDS_IMPORT/)
    t.notRegex(outcome.error.hint, /--/)
  }
})

for (const [what, text] of [
  ['no status', undefined],
  ['a status that is cut short', Buffer.from('{"python"')],
  ['a status of another kind', Buffer.from('[]')],
  ['a code that there is not', Buffer.from('{"error":{"code":"toString"}}')],
] as const) {
  test(`${what} is a bug, and not an archive`, (t) => {
    const outcome = readOutcome(text)
    t.is(outcome.kind === 'failed' ? outcome.error.code : outcome.kind, 'INTERNAL')
  })
}
