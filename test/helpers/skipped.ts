// SPDX-License-Identifier: Apache-2.0
import { spawnSync } from 'node:child_process'
import test from 'ava'

/**
 * A way to declare tests where something may be missing: where it is, they are skipped by name.
 * @param reason  why they cannot be run here; undefined where they can
 */
export function unless<Run>(
  reason: string | undefined,
  declare: (title: string, run: Run) => void,
): (title: string, run: Run) => void {
  return (title, run) => {
    if (reason === undefined) declare(title, run)
    else test.skip(`${title} (${reason})`, () => {})
  }
}

/** Why what only root may do cannot be tested. */
export const notRoot = process.getuid?.() === 0 ? undefined : 'only root can do that'

/** Why what needs a program cannot be tested. */
export function missing(program: string): string | undefined {
  return spawnSync(program, ['--version']).error === undefined ? undefined : `no ${program} on this machine`
}
