// SPDX-License-Identifier: Apache-2.0
import test from 'ava'
import { LineSplitter, withoutEnd } from '../../../src/util/lines.js'

/** All that a splitter gives for a text that comes in chunks of so many bytes. */
function split(text: string, size: number, splitter: LineSplitter): string[] {
  const bytes = Buffer.from(text)
  const lines: string[] = []
  for (let at = 0; at < bytes.length; at += size) lines.push(...splitter.push(bytes.subarray(at, at + size)))
  const rest = splitter.end()
  return rest === '' ? lines : [...lines, rest]
}

test('a character that is cut in two is one character', (t) => {
  const splitter = new LineSplitter(100)
  const bytes = Buffer.from('née\n')
  t.deepEqual(splitter.push(bytes.subarray(0, 2)), [])
  t.deepEqual(splitter.push(bytes.subarray(2)), ['née\n'])
})

test('lines come with their ends, however the input is cut', (t) => {
  const text = 'one\n\ntwo ✓ 🐍\r\nthree'
  for (let size = 1; size <= 30; size += 1) {
    t.deepEqual(split(text, size, new LineSplitter(100)), ['one\n', '\n', 'two ✓ 🐍\r\n', 'three'], `${size}`)
  }
})

test('a carriage return ends a line only where that is asked for, and never apart from its line feed', (t) => {
  const text = '10%\r20%\r\nend\n'
  for (let size = 1; size <= 14; size += 1) {
    t.deepEqual(split(text, size, new LineSplitter(100)), ['10%\r20%\r\n', 'end\n'])
    const drawn = new LineSplitter(100, { carriageReturns: true })
    t.deepEqual(split(text, size, drawn), ['10%\r', '20%\r\n', 'end\n'], `${size}`)
  }
})

test('a line that is too long comes in pieces, and no character of it is cut', (t) => {
  t.deepEqual(split('abcdefgh\nij', 3, new LineSplitter(3)), ['abc', 'def', 'gh\n', 'ij'])
  const snakes = '🐍'.repeat(5)
  for (const size of [1, 4, 7, 100]) {
    const pieces = split(snakes, size, new LineSplitter(3))
    t.is(pieces.join(''), snakes)
    t.true(pieces.every((piece) => piece.length <= 3 && Buffer.from(piece).toString() === piece))
  }
})

test('what has no end yet can be seen, and is gone when it was given', (t) => {
  const splitter = new LineSplitter(100)
  t.deepEqual(splitter.push(Buffer.from('one\n> ')), ['one\n'])
  t.is(splitter.rest, '> ')
  t.is(splitter.end(), '> ')
  t.is(splitter.end(), '')
})

test('bytes that break off in a character are not swallowed', (t) => {
  const splitter = new LineSplitter(100)
  splitter.push(Buffer.from('é').subarray(0, 1))
  t.is(splitter.end(), '\ufffd')
})

test('an end is taken off once', (t) => {
  t.deepEqual(['a\r\n', 'a\n', 'a\r', 'a', '\n'].map(withoutEnd), ['a', 'a', 'a', 'a', ''])
})
