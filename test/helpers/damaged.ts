// SPDX-License-Identifier: Apache-2.0
import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { ExecutionContext } from 'ava'
import type { Bench, Outcome } from './python.js'

/** As many archives lie in the temporary directory at a time. */
const AT_ONCE = 20

/** A damaged archive, and what was done to it. */
export type Damaged = readonly [what: string, archive: Buffer]

/** Runs a script with each of the archives; whatever they are, it must do what it does without one. */
export async function runDamaged(
  t: ExecutionContext,
  bench: Bench,
  script: string,
  expected: Outcome,
  damaged: readonly Damaged[],
): Promise<void> {
  for (let first = 0; first < damaged.length; first += AT_ONCE) {
    const some = damaged.slice(first, first + AT_ONCE).map(([what, archive], i) => {
      const path = join(bench.directory, `damaged-${i}.cds`)
      writeFileSync(path, archive)
      return { what, path, env: { PYCDS_ARCHIVE: path } }
    })
    const ran = await bench.runForked(script, some, { runtime: 'forked' })
    for (const { what, outcome } of ran) t.deepEqual(outcome, expected, what)
    for (const { path } of some) rmSync(path)
  }
}
