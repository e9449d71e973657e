// SPDX-License-Identifier: Apache-2.0
// Which of the addons is for this process. It has to fit the C library that Node itself runs with.
import { closeSync, openSync, readSync } from 'node:fs'

/** Where programs name their loader: behind the headers, at the beginning. */
const HEAD_BYTES = 4096

/**
 * The folders of `prebuilds` whose addon may be for this process, the likeliest first. musl would also take a library
 * of glibc, and miss only later what it does not have.
 */
export function addonFolders(arch: string, program: string): string[] {
  const [glibc, musl] = [`linux-${arch}`, `linux-${arch}-musl`]
  return usesMusl(program) ? [musl] : [glibc, musl]
}

/** Whether a program names musl's loader; false for what cannot be read. */
export function usesMusl(program: string): boolean {
  try {
    const file = openSync(program, 'r')
    try {
      const head = Buffer.alloc(HEAD_BYTES)
      readSync(file, head, 0, HEAD_BYTES, 0)
      return head.includes('/ld-musl-')
    } finally {
      closeSync(file)
    }
  } catch {
    return false
  }
}
