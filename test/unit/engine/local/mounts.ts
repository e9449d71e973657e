// SPDX-License-Identifier: Apache-2.0
import test from 'ava'
import { assertMounts } from '../../../../src/engine/local/mounts.js'

const refuses = test.macro(async (t, source: string, message: string) => {
  const good = { source: '/', target: '/root', readOnly: true }
  await t.notThrowsAsync(assertMounts([good]))
  await t.throwsAsync(assertMounts([good, { source, target: '/data', readOnly: true }]), {
    code: 'USAGE',
    message,
  })
})
test(
  'a path that is not there',
  refuses,
  '/no/such/path',
  '--mount /no/such/path:/data: there is no /no/such/path on this machine',
)
test(
  'a volume by its name',
  refuses,
  'cache',
  '--mount cache:/data: volumes with names exist only in an engine',
)
