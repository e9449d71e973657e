// SPDX-License-Identifier: Apache-2.0
import { existsSync } from 'node:fs'
import { inPackage } from './package-root.js'

/**
 * Where a page of the documents can be opened: the file of this installation, or its name in the repository where the
 * documents were left out, as in the tool image.
 * @param page from the root of the repository, as in `docs/training.md`
 */
export function documentPath(page: string): string {
  const path = inPackage(page)
  return existsSync(path) ? path : page
}
