// SPDX-License-Identifier: Apache-2.0
import test from 'ava'
import { wordsOf } from '../../../bench/containers.js'

test('a container is started by the words of its image, or by others', (t) => {
  t.deepEqual(wordsOf({ image: 'a', env: { B: '1' } }), ['--env', 'B=1', 'a'])
  t.deepEqual(wordsOf({ image: 'a', words: ['python3', '-m', 'b'] }), [
    ...['--entrypoint', 'python3', 'a', '-m', 'b'],
  ])
})
