// SPDX-License-Identifier: Apache-2.0
import test from 'ava'
import { fuzz } from '../../fuzz/run.js'

test('readers answer to damaged input, the same few seconds of it each time', async (t) => {
  t.timeout(120_000)
  const { runs, finding } = await fuzz({ seconds: 4, seed: 1 })
  t.is(finding?.reason, undefined, `${finding?.target} from seed ${finding?.seed}`)
  t.true(runs > 0)
})
