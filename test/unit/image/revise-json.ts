// SPDX-License-Identifier: Apache-2.0
import test from 'ava'
import { reviseJson } from '../../../src/image/index.js'

const SOURCE = `{ "big" : 9007199254740993, "float":1.0,"exp":1E3,
  "twice":1,"twice":2, "escaped":"\\u00e9\\/\\"}", "list":[ 18446744073709551615 , {"a":0.10} ],
  "inner":{"kept":12345678901234567890,"gone":1,"changed":[1e0]} }`

test('a document that did not change keeps its bytes', (t) => {
  t.is(reviseJson(SOURCE, JSON.parse(SOURCE)), SOURCE)
})

test('what did not change keeps its bytes, what did is written anew', (t) => {
  const value = JSON.parse(SOURCE)
  const { gone: _, ...inner } = value.inner
  const changed = { ...value, inner: { ...inner, changed: [2], 'ne"w': null }, added: { x: 1 } }
  t.is(
    reviseJson(SOURCE, changed),
    '{"big":9007199254740993,"float":1.0,"exp":1E3,"twice":2,"escaped":"\\u00e9\\/\\"}",' +
      '"list":[ 18446744073709551615 , {"a":0.10} ],' +
      '"inner":{"kept":12345678901234567890,"changed":[2],"ne\\"w":null},"added":{"x":1}}',
  )
  t.deepEqual(JSON.parse(reviseJson(SOURCE, changed)), changed)
})

test('items that stay keep their bytes when others come or go', (t) => {
  const source = '[{"n":9007199254740993},{"n":1.50},"x"]'
  const [first, second, third] = JSON.parse(source)
  t.is(reviseJson(source, [first, second, third, 4]), '[{"n":9007199254740993},{"n":1.50},"x",4]')
  t.is(reviseJson(source, [second, third]), '[{"n":1.50},"x"]')
  t.is(reviseJson(source, [first, { n: 2 }, third]), '[{"n":9007199254740993},{"n":2},"x"]')
  t.is(reviseJson(source, []), '[]')
})

test('another kind of value takes the place of the old one', (t) => {
  t.is(reviseJson('{"a":[1]}', { a: { b: 1 } }), '{"a":{"b":1}}')
  t.is(reviseJson('{}', { a: undefined, b: [true, null] }), '{"b":[true,null]}')
  t.is(reviseJson('[]', [1]), '[1]')
  t.is(reviseJson('{"__proto__":{"a":1},"b":1}', { b: 2 }), '{"b":2}')
})
