// SPDX-License-Identifier: Apache-2.0
import test from 'ava'
import { renderInspect } from '../../../../src/commands/render/inspect.js'
import { createStyle } from '../../../../src/log/index.js'
import type { InspectResult } from '../../../../src/usecases/inspect.js'

const PLAIN = createStyle({}, {})
const RESULT: InspectResult = {
  schema: 'io.pycds.inspect/1',
  subject: { kind: 'image', name: 'app:1-cds' },
  python: { version: '3.11.2', abi: 'cpython-311', buildId: 'c0ffee' },
  archive: { path: '/opt/pycds/app.cds', bytes: 3_000_000, format: 1, modules: 14, regexes: 120, sources: 1 },
  packages: [
    { name: 'flask', modules: 4, bytes: 90_000 },
    { name: 'werkzeug', modules: 10, bytes: 1_200_000 },
  ],
  leftOut: [],
  snapshot: null,
  map: null,
}

test('packages are a table, the largest first', (t) => {
  t.is(
    renderInspect(RESULT, PLAIN),
    [
      'image app:1-cds',
      '',
      '  archive   /opt/pycds/app.cds  3.0 MB, format 1',
      '  python    3.11.2 (cpython-311), build c0ffee',
      '  modules   14',
      '  compiled  120 regular expressions, 1 source string',
      '',
      '  package   modules    size',
      '  werkzeug       10  1.2 MB',
      '  flask           4   90 kB',
    ].join('\n'),
  )
})

test('what was left out is grouped by reason, and many names are counted', (t) => {
  const many = Array.from({ length: 10 }, (_, i) => ({ name: `ext${i}`, reason: 'extension module' }))
  const text = renderInspect({ ...RESULT, leftOut: [{ name: 'zipped', reason: 'in a zip' }, ...many] }, PLAIN)
  const [, leftOut] = text.split('left out: ')
  t.is(
    leftOut,
    [
      '11 modules',
      '  extension module (10 modules)',
      '    ext0, ext1, ext2, ext3, ext4, ext5, ext6, ext7 and 2 more',
      '  in a zip (1 module)',
      '    zipped',
    ].join('\n'),
  )
})
