// SPDX-License-Identifier: Apache-2.0
import { availableParallelism } from 'node:os'
import test, { type ExecutionContext } from 'ava'
import { TIER } from './tier.js'
import { Turns } from './turns.js'

/** Longer than any program may take, or all of a bulk proof: it is the program's deadline that should tell what hangs. */
const PATIENCE_MS = TIER === 'all' ? 4 * 3_600_000 : 900_000
const tests = new Turns(2 * availableParallelism())

/**
 * Declares a test that starts programs. All tests of a file begin at once: the time of each counts from its turn, so
 * that none is called off because of how many there are.
 * @param known.fails  it shows a defect that is known; it fails when that is gone
 */
export function testInTurn(
  title: string,
  run: (t: ExecutionContext) => Promise<void>,
  known: { fails: boolean } = { fails: false },
): void {
  const declare = known.fails ? test.failing : test
  declare(title, (t) =>
    tests.take(() => {
      t.timeout(PATIENCE_MS)
      return run(t)
    }),
  )
}
