// SPDX-License-Identifier: Apache-2.0
import test from 'ava'
import { type MakeInput, mayBeMade } from '../../../../src/commands/fleet/make.js'
import type { BakeResult } from '../../../../src/usecases/result.js'
import { RESULT } from '../../../helpers/results.js'

/** A bake of which an earlier run has kept such a result. */
const after = (result: BakeResult | null, state: 'baked' | 'failed' = 'baked') =>
  ({
    flags: { 'skip-unchanged': false },
    before: { name: 'a', state, key: RESULT.key, seconds: 1, result, error: null },
  }) as unknown as MakeInput

test('what an earlier run has made is looked for, and what it has only tried is not', (t) => {
  t.true(mayBeMade(after(RESULT)))
  t.false(mayBeMade(after({ ...RESULT, output: null })))
  t.false(mayBeMade(after(null, 'failed')))
})
