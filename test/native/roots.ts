// SPDX-License-Identifier: Apache-2.0
// The oldest and the newest interpreters come from root file systems. Without those all other tests have fewer
// interpreters, and would not say so.
import { join, sep } from 'node:path'
import test from 'ava'
import { findAllPythons } from '../helpers/interpreters.js'
import { findRoots, ROOTS } from '../helpers/start.js'
import { TIER } from '../helpers/tier.js'

const found = findRoots()

for (const name of ['bullseye', 'sid']) {
  const root = join(ROOTS, name)
  const title = `${name} has an interpreter that the other tests run on`
  if (TIER !== 'quick' && !found.includes(root)) {
    test.skip(`${title} (scripts/base-image.sh --root ${name} has not made it)`, () => undefined)
  } else {
    test(title, (t) => {
      // A quick run is content with the interpreters of the machine.
      const isThere = findAllPythons().some(({ path }) => path.startsWith(root + sep))
      t.true(isThere || TIER === 'quick')
    })
  }
}
