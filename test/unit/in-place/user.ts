// SPDX-License-Identifier: Apache-2.0
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'ava'
import type { PycdsError } from '../../../src/errors/index.js'
import { trainee } from '../../../src/in-place/index.js'

const own = process.getuid?.() ?? 0
const etc = mkdtempSync(join(tmpdir(), 'pycds-etc-'))
writeFileSync(join(etc, 'passwd'), `me:x:${own}:0::/of-me:/bin/sh\napp:x:64000:64001::/home/app:/bin/sh\n`)
writeFileSync(join(etc, 'group'), 'web:x:33:app\n')
test.after.always(() => rmSync(etc, { recursive: true }))

test('the user is the one that the files of the image tell, with all groups', (t) => {
  t.deepEqual(trainee('app', {}, etc), { uid: 64000, gid: 64001, groups: [33], home: '/home/app' })
})

test('a HOME that the image sets is for all of its users, that of who runs this is not', (t) => {
  t.is(trainee('app', { HOME: '/srv' }, etc).home, '/srv')
  t.is(trainee('app', { HOME: '/of-me' }, etc).home, '/home/app')
})

for (const text of ['nobody', 'app:staff', '-1']) {
  test(`${text} is a mistake of who gave it: there is no such user or group`, (t) => {
    t.is(t.throws<PycdsError>(() => trainee(text, {}, etc))?.code, 'USAGE')
  })
}
