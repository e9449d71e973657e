// SPDX-License-Identifier: Apache-2.0
import test from 'ava'
import { parsePathStat, toPosixMode } from '../../../../src/engine/docker/path-stat.js'

const converts = test.macro((t, go: number, posix: number) => {
  t.is(toPosixMode(go), posix)
})
test('a regular file', converts, 0o644, 0o100644)
test('a directory', converts, 2 ** 31 + 0o755, 0o040755)
test('a sticky directory', converts, 2 ** 31 + 2 ** 20 + 0o777, 0o041777)
test('a symlink', converts, 2 ** 27 + 0o777, 0o120777)
test('a setuid file', converts, 2 ** 23 + 0o755, 0o104755)
test('a setgid file', converts, 2 ** 22 + 0o755, 0o102755)
test('a pipe', converts, 2 ** 25 + 0o600, 0o010600)
test('a socket', converts, 2 ** 24 + 0o600, 0o140600)
test('a block device', converts, 2 ** 26 + 0o660, 0o060660)
test('a character device', converts, 2 ** 26 + 2 ** 21 + 0o666, 0o020666)

const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64')

test('the header is decoded', (t) => {
  const header = encode({ name: 'a', size: 5, mode: 0o644, mtime: '2024-05-01T12:00:00.5Z', linkTarget: '' })
  t.deepEqual(parsePathStat(header), { size: 5, mode: 0o100644, mtime: '2024-05-01T12:00:00.5Z' })
})

test('the target of a link is kept', (t) => {
  const header = encode({ size: 5, mode: 2 ** 27, mtime: 'x', linkTarget: '/usr/lib/x' })
  t.is(parsePathStat(header)?.linkTarget, '/usr/lib/x')
})

for (const header of [undefined, '', 'no base64!', encode(null), encode({}), encode({ size: '5' })]) {
  test(`${header} is no such header`, (t) => {
    t.is(parsePathStat(header), undefined)
  })
}
