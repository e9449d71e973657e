// SPDX-License-Identifier: Apache-2.0
// Where the files of this repository are, from the sources of a test as from what they are compiled to.
import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

export const ROOT = findRoot(dirname(fileURLToPath(import.meta.url)))

/** The path of a file or directory, given relative to the root of the repository. */
export function inRepository(path: string): string {
  return join(ROOT, path)
}

function findRoot(directory: string): string {
  if (existsSync(join(directory, 'package-lock.json'))) return directory
  const parent = dirname(directory)
  if (parent === directory) throw new Error('the tests are not in their repository')
  return findRoot(parent)
}
