// SPDX-License-Identifier: Apache-2.0
// How much of the tests is run. What is left out of a tier is never another claim, only more of the same.

export type Tier = 'quick' | 'default' | 'all'

/** From `PYCDS_TEST_TIER`, which scripts/test.sh sets: `default` where it is not set. */
export const TIER = read(process.env.PYCDS_TEST_TIER)

/** The size of a bulk proof: a hundredth of it, rounded up, unless everything is run. */
export function bulk(full: number): number {
  return TIER === 'all' ? full : Math.ceil(full / 100)
}

function read(value = 'default'): Tier {
  if (value === 'quick' || value === 'default' || value === 'all') return value
  throw new Error(`PYCDS_TEST_TIER=${value}: one of quick, default, all`)
}
