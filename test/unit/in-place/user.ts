// SPDX-License-Identifier: Apache-2.0
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'ava'
import type { PycdsError } from '../../../src/errors/index.js'
import { findUser } from '../../../src/in-place/user.js'

const etc = mkdtempSync(join(tmpdir(), 'pycds-etc-'))
writeFileSync(join(etc, 'passwd'), 'root:x:0:0:root:/root:/bin/sh\napp:x:1000:1001:App:/home/app:/bin/sh\n')
writeFileSync(join(etc, 'group'), 'root:x:0:\nweb:x:33:app\n')
test.after.always(() => rmSync(etc, { recursive: true }))

const finds = test.macro((t, text: string, uid: number, gid: number, home: string) =>
  t.deepEqual(findUser(text, etc), { uid, gid, home }),
)

test('a name has its own group and home', finds, 'app', 1000, 1001, '/home/app')
test('a number that has a name is that user', finds, '1000', 1000, 1001, '/home/app')
test('a number without a name is in the group of root, as containers have it', finds, '4242', 4242, 0, '/')
test('a group may be given by name', finds, 'app:web', 1000, 33, '/home/app')
test('or by number', finds, '7:8', 7, 8, '/')
test('an image without such files has numbers', (t) => {
  t.deepEqual(findUser('5:6', join(etc, 'none')), { uid: 5, gid: 6, home: '/' })
})

for (const text of ['nobody', 'app:staff', '', '-1']) {
  test(`${JSON.stringify(text)} is refused: there is no such user or group`, (t) => {
    t.is(t.throws<PycdsError>(() => findUser(text, etc))?.code, 'USAGE')
  })
}
