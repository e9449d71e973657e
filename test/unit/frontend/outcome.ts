// SPDX-License-Identifier: Apache-2.0
import test from 'ava'
import { readOutcome } from '../../../src/frontend/outcome.js'

const read = (value: unknown) => readOutcome(Buffer.from(JSON.stringify(value)))

test('a step that wrote an archive tells the Python and its warnings', (t) => {
  t.deepEqual(read({ schema: 'io.pycds.step/1', python: { version: '3.11.2' }, warnings: ['careful'] }), {
    kind: 'baked',
    python: '3.11.2',
    warnings: ['careful'],
  })
})

test('a step that failed tells its error', (t) => {
  const outcome = read({ error: { code: 'NO_PYTHON', message: 'none', hint: 'add one', exitCode: 4 } })
  if (outcome.kind !== 'failed') return t.fail('not failed')
  t.like(outcome.error, { code: 'NO_PYTHON', message: 'none', hint: 'add one' })
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
