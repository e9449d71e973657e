// SPDX-License-Identifier: Apache-2.0
import { createHash } from 'node:crypto'
import test from 'ava'
import { packTar, readTar, type TarEntry, type TarHeader } from '../../../src/tar/index.js'
import { directory, file, MOMENT, symlink } from '../../helpers/tar.js'

const SAMPLE: readonly TarEntry[] = [
  directory('opt'),
  directory('opt/pycds', { mode: 0o1755 }),
  file('opt/pycds/app.cds', 'archive', { mode: 0o444, uid: 12, gid: 34 }),
  file('opt/pycds/empty', ''),
  symlink('opt/pycds/link', '../target'),
  { ...symlink('opt/pycds/hard', 'opt/pycds/app.cds'), type: 'link' },
  file(`${'long/'.repeat(60)}name`, 'x'),
  file('opt/ünïcode', 'x'),
  symlink('opt/to-ünïcode', 'ünïcode'),
  file('opt/high-ids', 'x', { uid: 1_000_650_000, gid: 4_294_967_294 }),
  file('opt/no-mode', 'x', { mode: 0 }),
]

async function readAll(tar: Buffer): Promise<{ header: TarHeader; body: string }[]> {
  const members: { header: TarHeader; body: string }[] = []
  await readTar(tar, async (header, body) => {
    members.push({ header, body: (await body()).toString() })
  })
  return members
}

test('the bytes depend on the members alone', async (t) => {
  const frozen = SAMPLE.map((entry) => Object.freeze({ ...entry }))
  const tar = await packTar(frozen)
  t.deepEqual(await packTar(frozen), tar)
  // Changes only with a decision: layers of the same input would get another digest.
  t.is(
    createHash('sha256').update(tar).digest('hex'),
    'a20230c9811edb825564bd0e34ae3f11da43460c569049d7417649e6c3c4cafe',
  )
})

test('what is written is read back, in the given order', async (t) => {
  const members = await readAll(await packTar(SAMPLE))
  t.is(members.length, SAMPLE.length)
  for (const [index, entry] of SAMPLE.entries()) {
    const { body = Buffer.alloc(0), ...rest } = entry
    t.deepEqual(members[index], { header: { ...rest, size: body.length }, body: body.toString() })
  }
})

test('no name of a user, a group or the host gets into the archive', async (t) => {
  const tar = await packTar([file('a', '', { uid: 0, gid: 0 })])
  t.deepEqual(tar.subarray(265, 329), Buffer.alloc(64))
})

test('PAX records appear only where they are needed', async (t) => {
  t.is((await packTar([file('a', '')])).length, 3 * 512)
  t.is((await packTar([file('a', '', { uid: 0o777777 })])).length, 3 * 512)
  t.is((await packTar([file('a', '', { uid: 0o1000000 })])).length, 5 * 512)
})

test('a fraction of a second is cut off', async (t) => {
  const late = new Date(MOMENT.getTime() + 999)
  t.deepEqual(await packTar([file('a', '', { mtime: late })]), await packTar([file('a', '')]))
})

test('times before 1970 and beyond 2038 survive', async (t) => {
  for (const text of ['0001-01-01T00:00:00Z', '1969-12-31T23:59:59Z', '2100-01-01T00:00:00Z']) {
    const mtime = new Date(text)
    const [member] = await readAll(await packTar([file('a', '', { mtime })]))
    t.deepEqual(member?.header.mtime, mtime)
  }
})

test('no members make an empty archive', async (t) => {
  t.deepEqual(await packTar([]), Buffer.alloc(1024))
})

const refuses = test.macro(async (t, entry: TarEntry) => {
  await t.throwsAsync(packTar([entry]), { code: 'INTERNAL' })
})
test('an absolute name is refused', refuses, file('/etc/passwd', ''))
test('a name that climbs is refused', refuses, file('a/../../b', ''))
test('an empty name is refused', refuses, file('', ''))
test('a NUL in a name is refused', refuses, file('a\0b', ''))
test('a link without a target is refused', refuses, symlink('a', ''))
test('a file with a target is refused', refuses, file('a', '', { linkname: 'b' }))
test('a directory with a body is refused', refuses, directory('a', { body: Buffer.from('x') }))
test('a mode with a type in it is refused', refuses, file('a', '', { mode: 0o100644 }))
test('a negative owner is refused', refuses, file('a', '', { uid: -1 }))
test('a time that is no date is refused', refuses, file('a', '', { mtime: new Date(Number.NaN) }))
test('an invalid time is refused', refuses, file('a', '', { mtime: new Date(Number.NaN) }))
