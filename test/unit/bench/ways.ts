// SPDX-License-Identifier: Apache-2.0
import test from 'ava'
import { differenceOf, misuseOf, waysOf } from '../../../bench/ways.js'

const WORDS = ['python3', 'app.py']

test('an application is started in as many ways as its bake allows', (t) => {
  const ways = (hasSnapshot: boolean, isAtOnce: boolean) =>
    waysOf('plain', 'baked', WORDS, { hasSnapshot, isAtOnce })
  t.deepEqual(
    ways(false, false).map(([way]) => way),
    ['bare', 'plain', 'archive'],
  )
  t.deepEqual(ways(true, false).at(-1), ['snapshot', { image: 'baked' }])
  t.deepEqual(ways(true, true).slice(1), [
    ['plain', { image: 'plain' }],
    ['archive', { image: 'baked', words: WORDS, env: { PYCDS_SNAPSHOT: 'off' } }],
    ['snapshot', { image: 'baked', words: WORDS }],
    ['atOnce', { image: 'baked' }],
  ])
})

test('a start that went another way than it was to go is told', (t) => {
  const thawed = 'listening\npycds[1]: snapshot thawed in 3.1 ms\n'
  const byHook = `pycds[1]: not at once: ENVIRONMENT: TZ\n${thawed}`
  t.is(misuseOf('snapshot', thawed), undefined)
  t.is(misuseOf('snapshot', byHook), undefined)
  t.is(misuseOf('atOnce', thawed), undefined)
  t.regex(misuseOf('atOnce', byHook) ?? '', /ENVIRONMENT/)
  t.regex(misuseOf('snapshot', 'pycds[1]: snapshot refused: CPU\n') ?? '', /CPU/)
  t.regex(misuseOf('snapshot', 'listening\n') ?? '', /nothing is said/)
  t.is(misuseOf('archive', 'pycds[1]: snapshot refused: OFF\n'), undefined)
  t.regex(misuseOf('archive', thawed) ?? '', /switched off/)
})

test('where two answers part is told by its line', (t) => {
  t.is(differenceOf('a\nb\n', 'a\nb\n'), undefined)
  t.is(differenceOf('a\nb', 'a\nc'), 'line 2 is "c" in place of "b"')
  t.is(differenceOf('a', 'a\nb'), 'line 2 is "b" in place of nothing')
  t.is(differenceOf('a\nb', 'a'), 'line 2 is nothing in place of "b"')
})
