// SPDX-License-Identifier: Apache-2.0
import test from 'ava'
import {
  hexOf,
  parseDiffId,
  parseDigest,
  sha256DiffId,
  sha256Digest,
  shortId,
} from '../../../src/image/index.js'

const EMPTY = 'sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'

test('digests are those of SHA-256', (t) => {
  t.is(String(sha256Digest(Buffer.alloc(0))), EMPTY)
  t.is(String(sha256DiffId(Buffer.alloc(0))), EMPTY)
  t.is(hexOf(sha256Digest(Buffer.alloc(0))), EMPTY.slice(7))
})

test('people read twelve digits of an id', (t) => {
  t.is(shortId(EMPTY), 'e3b0c44298fc')
  t.is(shortId(EMPTY.slice(7)), 'e3b0c44298fc')
})

test('a digest is read as it is written', (t) => {
  t.is(String(parseDigest(EMPTY)), EMPTY)
  t.is(String(parseDiffId(EMPTY)), EMPTY)
})

for (const text of [
  '',
  EMPTY.slice(7),
  EMPTY.toUpperCase(),
  `${EMPTY}0`,
  `${EMPTY}\n`,
  `sha512:${EMPTY.slice(7)}`,
]) {
  test(`${JSON.stringify(text)} is not a digest`, (t) => {
    t.throws(() => parseDigest(text), { code: 'IMAGE_INVALID' })
    t.throws(() => parseDiffId(text), { code: 'IMAGE_INVALID' })
  })
}
