// SPDX-License-Identifier: Apache-2.0
import test, { type ExecutionContext } from 'ava'
import { TIER, type Tier } from './tier.js'

type Declare = (title: string, body: (t: ExecutionContext) => void | Promise<void>) => void

/**
 * How a test is declared that may only say again what others say: one that does runs in the tier that is meant, and
 * is elsewhere a skip that says so.
 */
export function declareUnless(isRepetition: boolean, declare: Declare, tier: Tier = 'all'): Declare {
  if (!isRepetition || TIER === tier) return declare
  return (title, body) => test.serial.skip(`${title} (only with PYCDS_TEST_TIER=${tier})`, body)
}
