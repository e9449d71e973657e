// SPDX-License-Identifier: Apache-2.0
import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import test from 'ava'
import { packTar, reviseTar } from '../../../src/tar/index.js'
import { directory, file, symlink } from '../../helpers/tar.js'

const BODY = Buffer.alloc(300_000, 'body')

test('kept members go through unchanged, dropped ones can be read, new ones come last', async (t) => {
  const source = await packTar([
    directory('a'),
    file('a/big', BODY),
    file('list', 'dropped'),
    symlink('l', 'a/big'),
  ])
  let list = ''
  const revised = reviseTar(Readable.from([source]), {
    async keep(header, body) {
      if (header.name !== 'list') return true
      list = (await body()).toString()
      return false
    },
    append: () => [file('new', list)],
  })
  const expected = await packTar([
    directory('a'),
    file('a/big', BODY),
    symlink('l', 'a/big'),
    file('new', 'dropped'),
  ])
  t.deepEqual(await buffer(revised), expected)
})

test('damage on the way destroys the result', async (t) => {
  const source = (await packTar([file('a', BODY)])).subarray(0, 10_000)
  const revised = reviseTar(Readable.from([source]), { keep: () => true, append: () => [] })
  await t.throwsAsync(buffer(revised), { code: 'IMAGE_INVALID' })
})

test('a failure of the caller destroys source and result', async (t) => {
  const source = Readable.from([await packTar([file('a', BODY)])])
  const revised = reviseTar(source, {
    keep: () => true,
    append: () => {
      throw new Error('mine')
    },
  })
  await t.throwsAsync(buffer(revised), { message: 'mine' })
  t.true(source.destroyed)
})

test('a reader that goes away ends the source', async (t) => {
  const source = new Readable({ read() {} })
  source.push((await packTar([file('a', BODY)])).subarray(0, 100_000))
  const revised = reviseTar(source, { keep: () => true, append: () => [] })
  const closed = new Promise((resolve) => source.once('close', resolve))
  revised.once('data', () => revised.destroy())
  await closed
  t.true(source.destroyed)
})
