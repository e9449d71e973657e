// SPDX-License-Identifier: Apache-2.0
// Of which versions of CPython there can be a snapshot.
import { FIRST_MINOR, LAST_MINOR } from './known-minors.js'

/** @returns why there can be none of this version, such as `3.14.2`, where there can be none */
export function whyNotOfVersion(version: string): string | undefined {
  const [, minor] = /^3\.(\d+)\b/.exec(version) ?? []
  if (Number(minor) >= FIRST_MINOR && Number(minor) <= LAST_MINOR) return undefined
  return `snapshots are made of CPython 3.${FIRST_MINOR} to 3.${LAST_MINOR}, and this is ${version}`
}
