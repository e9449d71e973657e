// SPDX-License-Identifier: Apache-2.0
import test from 'ava'
import { commandOf, environmentOf } from '../../../src/image/index.js'

test('ENTRYPOINT and CMD are one command, and either may be absent', (t) => {
  t.deepEqual(commandOf({ config: { Entrypoint: ['python'], Cmd: ['-m', 'app'] } }), ['python', '-m', 'app'])
  t.deepEqual(commandOf({ config: { Entrypoint: null, Cmd: ['app'] } }), ['app'])
  t.deepEqual(commandOf({ config: null }), [])
  t.deepEqual(commandOf({}), [])
})

test('a variable is divided at its first sign, and the last of two of one name counts', (t) => {
  t.deepEqual(environmentOf({ config: { Env: ['A=b=c', 'EMPTY', 'A=d', 'PATH='] } }), {
    A: 'd',
    EMPTY: '',
    PATH: '',
  })
})
