// SPDX-License-Identifier: Apache-2.0
import test from 'ava'
import { findUser } from '../../../src/image/index.js'

const files = {
  passwd: ['root:x:0:0:root:/root:/bin/sh', 'app:x:1000:1001:App:/home/app:/bin/sh', 'bare:x:7:7', ''].join(
    '\n',
  ),
  group: ['root:x:0:', 'web:x:33:app', 'broken', 'data:x:44:other,app', 'again:x:33:app', 'own:x:1001:'].join(
    '\n',
  ),
}

const finds = test.macro((t, text: string, uid: number, gid: number, home: string, groups: number[] = []) =>
  t.deepEqual(findUser(text, files), { uid, gid, groups, home }),
)

test(
  'a name has its own group and home, and the groups that name it',
  finds,
  'app',
  1000,
  1001,
  '/home/app',
  [33, 44],
)
test('a number that has a name is that user', finds, '1000', 1000, 1001, '/home/app', [33, 44])
test('however the number is written', finds, '01000', 1000, 1001, '/home/app', [33, 44])
test('a number without a name is in the group of root, as containers have it', finds, '4242', 4242, 0, '/')
test('who is given a group by name has no other', finds, 'app:web', 1000, 33, '/home/app')
test('nor who is given one by number', finds, '7:8', 7, 8, '/')
test('an empty group is none', finds, 'app:', 1000, 1001, '/home/app', [33, 44])
test('nobody is root', finds, '', 0, 0, '/root')
test('nobody in a group is root in it', finds, ':web', 0, 33, '/root')

test('an image without such files has numbers', (t) => {
  t.deepEqual(findUser('5:6', { passwd: '', group: '' }), { uid: 5, gid: 6, groups: [], home: '/' })
})

for (const [text, unknown, name] of [
  ['nobody', 'user', 'nobody'],
  ['app:staff', 'group', 'staff'],
  ['-1', 'user', '-1'],
  ['4294967295', 'user', '4294967295'],
] as const) {
  test(`${text} has no such ${unknown}`, (t) => t.deepEqual(findUser(text, files), { unknown, name }))
}
