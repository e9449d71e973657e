// SPDX-License-Identifier: Apache-2.0
import { PassThrough, Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import test from 'ava'
import { hasContent } from '../../../../src/engine/docker/first-chunk.js'

test('what has content loses none of it', async (t) => {
  const stream = new PassThrough()
  const answer = hasContent(stream)
  stream.write('a')
  t.true(await answer)
  t.true(await hasContent(stream))
  stream.end('b')
  t.is(await text(stream), 'ab')
})

test('nothing, and an error before anything, is no content', async (t) => {
  t.false(await hasContent(Readable.from([])))
  const broken = new PassThrough()
  const answer = hasContent(broken)
  broken.destroy(new Error('gone'))
  t.false(await answer)
})
