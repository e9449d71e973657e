// SPDX-License-Identifier: Apache-2.0
// What an archive says of itself, for where no manifest lies beside it. The runtime never reads it.
import { type LeftOut, parseLeftOut } from '../kind/manifest.js'

/** The section INFO of an archive. */
export interface ArchiveInfo {
  /** The version that wrote it. */
  tool: string
  /** The version of Python. */
  python: string
  /** As the manifest has it. */
  leftOut: readonly LeftOut[]
}

/** Which modules are not in an archive, as far as it says so: others write archives, too. */
export function leftOutOf(info: unknown): LeftOut[] {
  return parseLeftOut((info as Partial<ArchiveInfo> | null | undefined)?.leftOut) ?? []
}
