// SPDX-License-Identifier: Apache-2.0
import test from 'ava'
import { globPattern, isGlob } from '../../../src/util/glob.js'

const fits = test.macro((t, glob: string, yes: readonly string[], no: readonly string[]) => {
  const pattern = globPattern(glob)
  t.deepEqual(
    yes.filter((text) => !pattern.test(text)),
    [],
  )
  t.deepEqual(
    no.filter((text) => pattern.test(text)),
    [],
  )
})

test(
  'a star stops at a slash',
  fits,
  'team/*:1.*',
  ['team/api:1.4', 'team/:1.'],
  ['team/a/b:1.4', 'team/api:2'],
)
test('two stars do not', fits, '**/api:1', ['a/api:1', 'a/b/api:1'], ['api:1', 'a/api:2'])
test('a question mark is one sign', fits, 'app:?', ['app:1'], ['app:', 'app:10', 'app:/'])
test('anything else is itself', fits, 'a.b+c[1]', ['a.b+c[1]'], ['axb+c1', 'a.bbc1'])

test('a name without these signs is no pattern', (t) => {
  t.false(isGlob('host:5000/team/app:1.4'))
  t.true(isGlob('app:*'))
  t.true(isGlob('app:?'))
})
