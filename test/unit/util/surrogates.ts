// SPDX-License-Identifier: Apache-2.0
import test from 'ava'
import { decodeText, encodeText } from '../../../src/util/surrogates.js'

test('bytes that are no UTF-8 are kept as Python keeps them', (t) => {
  const bytes = Buffer.from([0x2f, 0xff, 0xc3, 0xa4, 0xc3, 0x2f, 0xf0, 0x9f, 0x98, 0x80, 0xed, 0xa0, 0x80])
  const text = decodeText(bytes)
  t.is(text, '/\udcffä\udcc3/😀\udced\udca0\udc80')
  t.deepEqual(encodeText(text), bytes)
})

test('what is UTF-8 is text as ever', (t) => {
  for (const text of ['', 'ä/😀', '\ufffd']) {
    t.is(decodeText(Buffer.from(text)), text)
    t.deepEqual(encodeText(text), Buffer.from(text))
  }
})
