// SPDX-License-Identifier: Apache-2.0
// Chooses the files that a start with an empty page cache reads ahead beside the archive.
import type { PythonGroup } from './interpreter.js'

/** More would not help a start, and the list is read at each one. */
const MAX_FILES = 1000

/** Extension modules and the libraries that came with them, each once, in the order of first use. */
export function selectFiles(group: PythonGroup): string[] {
  const paths = group.processes.flatMap(({ extensions, libraries = [] }) => [
    ...extensions.map((extension) => extension.path),
    ...libraries,
  ])
  const usable = paths.filter((path) => path.startsWith('/') && !path.includes('\0'))
  return [...new Set(usable)].slice(0, MAX_FILES)
}
