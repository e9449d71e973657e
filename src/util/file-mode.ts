// SPDX-License-Identifier: Apache-2.0
// The kinds of files in `st_mode`, as Linux has them: what is looked at may be in an image, whatever runs this program.

const S_IFMT = 0o170000

/** The bits of each kind. */
export const FILE_KINDS = {
  fifo: 0o010000,
  characterDevice: 0o020000,
  directory: 0o040000,
  blockDevice: 0o060000,
  regular: 0o100000,
  symlink: 0o120000,
  socket: 0o140000,
} as const

/** Tells from `st_mode` whether a path is of a kind. */
export function isOfKind(mode: number, kind: keyof typeof FILE_KINDS): boolean {
  return (mode & S_IFMT) === FILE_KINDS[kind]
}
