// SPDX-License-Identifier: Apache-2.0
// How much a test run covers: PYCDS_TEST_TIER=quick while one works, default before a change goes in, all now and then.

export type Tier = 'quick' | 'default' | 'all'

const HANDFUL = 6

/** Unset or empty is the default; a misspelt tier must not test less than was meant. */
export function parseTier(value: string | undefined): Tier {
  if (value === undefined || value === '') return 'default'
  if (value === 'quick' || value === 'default' || value === 'all') return value
  throw new Error(`PYCDS_TEST_TIER=${value}: no such tier; one of quick, default, all`)
}

export const TIER = parseTier(process.env.PYCDS_TEST_TIER)

/** How many of the repetitions of a bulk proof are made: all of them, or a hundredth but a handful at least, or a handful. */
export function portion(full: number, tier: Tier = TIER): number {
  if (tier === 'all') return full
  return Math.min(full, tier === 'quick' ? HANDFUL : Math.max(HANDFUL, Math.ceil(full / 100)))
}
