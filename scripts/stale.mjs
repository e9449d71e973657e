// SPDX-License-Identifier: Apache-2.0
// Removes what was compiled from sources that are gone: the compiler leaves it, and a test that was removed or
// renamed, or that is of another branch, would still run.
import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'

const ROOT = fileURLToPath(new URL('..', import.meta.url))
const BUILD = join(ROOT, 'build')

/** What the compiler writes for one source. */
const COMPILED = /\.js(?:\.map)?$/

// Each is a directory beside package.json, and the same below build.
for (const directory of JSON.parse(
  readFileSync(join(ROOT, 'tsconfig.json'), 'utf8').replace(/^\s*\/\/.*$/gm, ''),
).include) {
  if (!existsSync(join(BUILD, directory))) continue
  // With their types, since it would follow links otherwise.
  for (const entry of readdirSync(join(BUILD, directory), { recursive: true, withFileTypes: true })) {
    const path = relative(BUILD, join(entry.parentPath, entry.name))
    if (entry.isFile() && COMPILED.test(path) && !existsSync(join(ROOT, path.replace(COMPILED, '.ts'))))
      rmSync(join(BUILD, path))
  }
}
