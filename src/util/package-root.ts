// SPDX-License-Identifier: Apache-2.0
// Where the files are that belong to this package but are no modules, from the sources as from the bundle.
import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const PACKAGE_ROOT = findRoot(dirname(fileURLToPath(import.meta.url)))

/** The absolute path of a file of this package, given relative to its root. */
export function inPackage(path: string): string {
  return join(PACKAGE_ROOT, path)
}

function findRoot(directory: string): string {
  if (existsSync(join(directory, 'package.json'))) return directory
  const parent = dirname(directory)
  if (parent === directory) throw new Error('package.json is missing: this program is not whole')
  return findRoot(parent)
}
