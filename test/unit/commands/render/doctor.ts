// SPDX-License-Identifier: Apache-2.0
import test from 'ava'
import { renderDoctor } from '../../../../src/commands/render/doctor.js'
import { createStyle } from '../../../../src/log/index.js'
import type { DoctorCheck } from '../../../../src/usecases/doctor.js'

const PLAIN = createStyle({}, {})
const check = (fields: Partial<DoctorCheck>): DoctorCheck => ({
  id: 'engine',
  title: 'engine',
  status: 'ok',
  detail: 'Docker 20.10',
  fix: null,
  code: null,
  ...fields,
})

test('each check is a line, and what is not ok comes with its fix', (t) => {
  const checks = [
    check({}),
    check({
      id: 'space',
      title: 'disk space',
      status: 'warn',
      detail: '1.0 GB free',
      fix: 'Free some space.',
    }),
    check({ id: 'py', title: 'python', status: 'fail', detail: '3.8', fix: 'Use 3.11 or newer.' }),
  ]
  t.is(
    renderDoctor({ schema: 'io.pycds.doctor/1', image: 'app:1', ok: false, checks }, PLAIN),
    [
      'this machine and app:1: not ready to bake',
      '',
      '  ok    engine      Docker 20.10',
      '  warn  disk space  1.0 GB free',
      '        fix: Free some space.',
      '  fail  python      3.8',
      '        fix: Use 3.11 or newer.',
    ].join('\n'),
  )
})

test('without an image it is about the machine', (t) => {
  const text = renderDoctor(
    { schema: 'io.pycds.doctor/1', image: null, ok: true, checks: [check({})] },
    PLAIN,
  )
  t.regex(text, /^this machine: ready to bake\n/)
})
