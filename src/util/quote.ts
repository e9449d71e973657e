// SPDX-License-Identifier: Apache-2.0

/** Quotes a word for a POSIX shell where it needs it: the line is there to be copied. */
export function quote(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`
}
