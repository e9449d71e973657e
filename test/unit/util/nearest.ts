// SPDX-License-Identifier: Apache-2.0
import test from 'ava'
import { nearest } from '../../../src/util/nearest.js'

const VERBS = ['bake', 'doctor', 'inspect', 'verify']

test('a slip of the fingers is recognised', (t) => {
  t.is(nearest('bkae', VERBS), 'bake')
  t.is(nearest('inspcet', VERBS), 'inspect')
  t.is(nearest('verfiy', VERBS), 'verify')
  t.is(nearest('docter', VERBS), 'doctor')
})

test('so is a beginning', (t) => {
  t.is(nearest('insp', VERBS), 'inspect')
})

test('the closest wins, and what is far is not guessed', (t) => {
  t.is(nearest('tag', ['tags', 'tag']), 'tag')
  t.is(nearest('push', VERBS), undefined)
  t.is(nearest('', VERBS), undefined)
})
