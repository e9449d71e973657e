// SPDX-License-Identifier: Apache-2.0
import { spawnSync } from 'node:child_process'

/**
 * Compiles C with the compiler of this machine.
 * @returns false where there is none
 * @throws {Error} the source does not compile
 */
export function compile(words: readonly string[]): boolean {
  const built = spawnSync('cc', ['-O1', '-Wall', '-Werror', ...words])
  if (built.error) return false
  if (built.status !== 0) throw new Error(built.stderr.toString())
  return true
}
