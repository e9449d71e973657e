// SPDX-License-Identifier: Apache-2.0
// Cases that differ because they look at what docs/compatibility.md says is different. They are counted apart, and a run
// does not fail for them; every name here stands there, with the reason.

import type { Kind } from './options.js'

interface Case {
  readonly file: string
  /** Without the suffixes of classes that run it again. */
  readonly test: string
  /** With what it differs; a snapshot comes with its archive. */
  readonly kind: Kind
}

export const BY_DESIGN: readonly Case[] = [
  { file: 'test_subprocess', test: 'test_pass_fds_redirected', kind: 'archive' },
  { file: 'test_cmd_line', test: 'test_hash_randomization', kind: 'snapshot' },
]

export function isByDesign(file: string, name: string, kind: Kind): boolean {
  return BY_DESIGN.some(
    (one) =>
      one.file === file &&
      name.split('.').at(-1) === one.test &&
      (one.kind === 'archive' || one.kind === kind),
  )
}
