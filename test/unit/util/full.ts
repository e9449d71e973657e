// SPDX-License-Identifier: Apache-2.0
import test from 'ava'
import { isFull } from '../../../src/util/full.js'

const failed = (code: string) => Object.assign(new Error(code), { code })

test('a full disk and a quota that is used up are the same to whoever writes', (t) => {
  t.true(isFull(failed('ENOSPC')))
  t.true(isFull(failed('EDQUOT')))
  for (const other of [failed('EACCES'), new Error('ENOSPC'), 'ENOSPC', undefined]) t.false(isFull(other))
})
