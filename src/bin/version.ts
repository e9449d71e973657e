// SPDX-License-Identifier: Apache-2.0
// The version of this program, which is told without oclif: loading that is most of what a start costs.
import { TOOL_VERSION } from '../util/version.js'

/** The words that ask for it. */
export const VERSION: readonly string[] = ['--version', '-v']

export function versionText(): string {
  return `pycds-image/${TOOL_VERSION} ${process.platform}-${process.arch} node-${process.version}`
}

export function writeVersion(): void {
  process.stdout.write(`${versionText()}\n`)
}
