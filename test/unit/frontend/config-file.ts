// SPDX-License-Identifier: Apache-2.0
import test from 'ava'
import type { PycdsError } from '../../../src/errors/index.js'
import { readConfigFile } from '../../../src/frontend/config-file.js'

const gives = test.macro(async (t, text: string, expected: Record<string, string>) =>
  t.deepEqual(Object.fromEntries(await readConfigFile(text)), expected),
)

test(
  'options are named like the build arguments',
  gives,
  'frontend:\n  on-failure: fail\n  min-hit-rate: 95\n  enabled: false\n  ready: [health, "log:/a b/"]\n  command: [python, -m, app]\n',
  {
    PYCDS_ON_FAILURE: 'fail',
    PYCDS_MIN_HIT_RATE: '95',
    PYCDS_ENABLED: '0',
    PYCDS_READY: 'health\nlog:/a b/',
    PYCDS_COMMAND: '["python","-m","app"]',
  },
)
test('other parts of the file are for others', gives, 'images:\n  - app:1\n', {})
test('an empty file is one without options', gives, '# nothing\n', {})

for (const [what, text] of [
  ['a list instead of a mapping', '- a\n'],
  ['a section that is a text', 'frontend: fail\n'],
  ['a mapping for an option', 'frontend:\n  ready: {a: 1}\n'],
  ['broken YAML', 'frontend: [a\n'],
  [
    'aliases of aliases',
    `a: &a [x,x,x,x,x,x,x,x,x,x]\n${'bcdef'
      .split('')
      .map((n, i) => `${n}: &${n} [${`*${'abcdef'[i]},`.repeat(9)}]\n`)
      .join('')}`,
  ],
] as const) {
  test(`${what} is refused`, async (t) => {
    const error = await t.throwsAsync<PycdsError>(readConfigFile(text))
    t.is(error?.code, 'USAGE')
  })
}
