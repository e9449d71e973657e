// SPDX-License-Identifier: Apache-2.0
import test from 'ava'
import { containerHostname } from '../../../src/util/container-hostname.js'

test('a container has a name of its own that no resolver takes for a number', (t) => {
  // Of as many that are drawn from all digits alike, some 350 have no letter.
  const names = Array.from({ length: 100_000 }, containerHostname)
  t.is(new Set(names).size, names.length)
  t.deepEqual(
    names.filter((name) => !/^(?=.*[a-f])[0-9a-f]{12}$/.test(name)),
    [],
  )
})
