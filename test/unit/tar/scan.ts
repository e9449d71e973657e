// SPDX-License-Identifier: Apache-2.0
import { Readable } from 'node:stream'
import test from 'ava'
import { DEFAULT_LIMITS, packTar, readTar, scanTar, type TarHeader } from '../../../src/tar/index.js'
import { directory, file } from '../../helpers/tar.js'

const BLOCK = 512

/** The members as the reader of layers sees them, whatever the pieces that the bytes come in. */
async function scan(bytes: Buffer, piece: number): Promise<{ header: TarHeader; body: string }[]> {
  const pieces: Buffer[] = []
  for (let at = 0; at < bytes.length; at += piece) pieces.push(bytes.subarray(at, at + piece))
  const members: { header: TarHeader; body: string }[] = []
  await scanTar(Readable.from(pieces), DEFAULT_LIMITS, (header) => {
    const chunks: Buffer[] = []
    return {
      write: (chunk) => void chunks.push(Buffer.from(chunk)),
      end: (isWhole) => void (isWhole && members.push({ header, body: Buffer.concat(chunks).toString() })),
    }
  })
  return members
}

const LONG = `${'deep/'.repeat(60)}name`

test('members are those that the other reader sees, in whatever pieces the bytes come', async (t) => {
  const tar = await packTar([
    directory('usr'),
    file('usr/empty', ''),
    file('usr/one', 'x'.repeat(BLOCK)),
    file(LONG, 'y'.repeat(3 * BLOCK + 7)),
    { name: 'link', type: 'symlink', mode: 0o777, uid: 1, gid: 2, mtime: new Date(-5000), linkname: 'usr' },
  ])
  const expected: { header: TarHeader; body: string }[] = []
  await readTar(tar, async (header, body) => {
    expected.push({ header, body: (await body()).toString() })
  })
  t.is(expected.length, 5)
  for (const piece of [1, 511, 512, 513, tar.length])
    t.deepEqual(await scan(tar, piece), expected, `${piece}`)
})

test('records of an extension that are none are left out', async (t) => {
  const tar = await packTar([file(LONG, 'y')])
  const records = tar.indexOf(' path=')
  tar.fill('a', BLOCK, records + LONG.length)
  const [member] = await scan(tar, tar.length)
  t.is(member?.body, 'y')
})

test('what is cut off, and what is no header, is refused', async (t) => {
  const tar = await packTar([file('a', 'x'.repeat(BLOCK))])
  for (const bytes of [tar.subarray(0, BLOCK + 1), Buffer.alloc(0), Buffer.alloc(BLOCK, 'x')]) {
    await t.throwsAsync(scan(bytes, 100), { code: 'IMAGE_INVALID' })
  }
  // A user that is no number.
  const damaged = Buffer.from(tar)
  damaged.write('x', 108)
  const sum = [...damaged.subarray(0, BLOCK)].reduce(
    (total, byte, at) => total + (at >= 148 && at < 156 ? 32 : byte),
    0,
  )
  damaged.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1')
  await t.throwsAsync(scan(damaged, 100), { code: 'IMAGE_INVALID', message: /number that cannot be/ })
})
