// SPDX-License-Identifier: Apache-2.0
import test from 'ava'
import { originalEnvironment } from '../../../src/in-place/environment.js'

test('what the launcher renamed has its own name again, and what it added is gone', (t) => {
  const env = { PATH: '/bin', PYCDS_KEPT_LD_PRELOAD: '/x.so', HOME: '/', SHELL: 'sh', PYCDS_ADDED: 'SHELL ' }
  t.deepEqual(originalEnvironment(env), { PATH: '/bin', LD_PRELOAD: '/x.so', HOME: '/' })
})

test('an environment that no launcher has seen stays as it is', (t) => {
  t.deepEqual(originalEnvironment({ A: '1', B: '' }), { A: '1', B: '' })
})
