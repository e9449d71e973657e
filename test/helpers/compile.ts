// SPDX-License-Identifier: Apache-2.0
import { spawnSync } from 'node:child_process'

/**
 * Compiles C with the compiler of this machine.
 * @throws {Error} there is none, or the source does not compile
 */
export function compile(words: readonly string[]): void {
  const built = spawnSync('cc', ['-O1', '-Wall', '-Werror', ...words])
  if (built.error) throw built.error
  if (built.status !== 0) throw new Error(built.stderr.toString())
}
