// SPDX-License-Identifier: Apache-2.0
import test from 'ava'
import { resolveUser } from '../../../../src/engine/local/users.js'

const FILES: Readonly<Record<string, string>> = {
  '/etc/passwd': 'app:x:64000:64001::/home/app:/bin/sh\n',
  '/etc/group': 'web:x:33:app\n',
}
const read = async (path: string) => (path in FILES ? Buffer.from(FILES[path] ?? '') : undefined)

test('the user of a container is the one that its image tells, with all groups', async (t) => {
  const user = await resolveUser('app', read, 'container of a:1')
  t.deepEqual(user, { uid: 64000, gid: 64001, groups: [33], home: '/home/app' })
})

test('an image whose USER it does not know cannot be started', async (t) => {
  for (const text of ['nobody', 'app:staff']) {
    await t.throwsAsync(resolveUser(text, read, 'container of a:1'), { code: 'TRAINING_FAILED' })
  }
})
