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
  'version: 1\nfrontend:\n  on-failure: fail\n  min-archived: 95\n  enabled: false\n  ready: [health, "log:/a b/"]\n  command: [python, -m, app]\n',
  {
    PYCDS_ON_FAILURE: 'fail',
    PYCDS_MIN_ARCHIVED: '95',
    PYCDS_ENABLED: '0',
    PYCDS_READY: 'health\nlog:/a b/',
    PYCDS_COMMAND: '["python","-m","app"]',
  },
)
test(
  'values stay as they are written',
  gives,
  'version: 1\nfrontend: {timeout: 1.10, min-archived: 99.50, import: [1.10, app], command: true}\n',
  {
    PYCDS_TIMEOUT: '1.10',
    PYCDS_MIN_ARCHIVED: '99.50',
    PYCDS_IMPORT: '1.10\napp',
    PYCDS_COMMAND: 'true',
  },
)
test('a switch is a digit too', gives, 'version: 1\nfrontend: {enabled: 0}\n', { PYCDS_ENABLED: '0' })
test('a file for builds alone needs no version', gives, 'frontend: {on-failure: fail}\n', {
  PYCDS_ON_FAILURE: 'fail',
})
test('other parts of the file are for others', gives, 'version: 1\nimages:\n  - app:1\n', {})

for (const [what, text, message] of [
  ['a file for bakes without a version', 'images: [a]\nfrontend: {}\n', /version: 1 is missing/],
  ['another version', 'version: 2\nfrontend: {}\n', /:1:10: version: 2 is not known/],
  ['an empty file', '# nothing\n', /the file is empty/],
  ['a list instead of a mapping', '- a\n', /the file: not a mapping/],
  ['a section that is a text', 'version: 1\nfrontend: fail\n', /:2:11: frontend: not a mapping/],
  ['a part that is not known', 'version: 1\nfront: {}\n', /:2:1: front: not known in the file/],
  [
    'an option that is not known',
    'version: 1\nfrontend:\n  redy: health\n',
    /:3:3: redy: .*did you mean ready\?/,
  ],
  ['an option in capitals', 'version: 1\nfrontend:\n  ON_FAILURE: fail\n', /:3:3: ON_FAILURE: not known/],
  ['a mapping for an option', 'version: 1\nfrontend:\n  ready: {a: 1}\n', /:3:10: ready: not a text/],
  ['a list for one text', 'version: 1\nfrontend:\n  validate: [stat, hash]\n', /:3:13: validate: not a text/],
  ['nothing for an option', 'version: 1\nfrontend:\n  ready:\n', /ready: not a text/],
  ['an option twice', 'version: 1\nfrontend:\n  ready: exit\n  ready: health\n', /:4:3: /],
  ['broken YAML', 'version: 1\nfrontend: [a\n', /^pycds-image\.yaml:\d+:\d+: /],
  ['an alias', 'version: 1\nfrontend:\n  ready: &r health\n  probe: [*r]\n', /:4:11: probe: .*not an alias/],
] as const) {
  test(`${what} is refused`, async (t) => {
    const error = await t.throwsAsync<PycdsError>(readConfigFile(text))
    t.is(error?.code, 'USAGE')
    t.regex(error?.message ?? '', message)
  })
}
