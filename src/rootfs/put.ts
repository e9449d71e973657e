// SPDX-License-Identifier: Apache-2.0
// Puts files into a root that is as its image is: paths are resolved by the tree, not by the kernel.
import { mkdirSync, rmSync } from 'node:fs'
import { join, posix } from 'node:path'
import { PycdsError } from '../errors/index.js'
import type { TarEntry } from '../tar/index.js'
import { RootFiles } from './files.js'
import type { TreeNode } from './node.js'
import { PLAIN_DIRECTORY, type Tree } from './tree.js'

/** Writes members of a tar into a root; missing parent directories are made. */
export function putFiles(
  directory: string,
  { tree, ownersKept }: { tree: Tree; ownersKept: boolean },
  entries: readonly TarEntry[],
): void {
  const files = new RootFiles(directory, ownersKept)
  const made = new Set<string>()
  for (const entry of entries) {
    const parent = parentOf(tree, made, files, posix.dirname(`/${entry.name}`))
    const path = posix.join(parent, posix.basename(entry.name))
    const node: TreeNode = { ...entry, type: 'file', size: entry.body?.length ?? 0, layer: 0 }
    const existing = tree.resolve(`/${path}`, false)?.node
    if (entry.type === 'directory') {
      if (existing?.type === 'directory' || made.has(path)) files.setDirectory(path, node)
      else files.makeDirectory(path, node)
      made.add(path)
      continue
    }
    if (entry.type === 'link') throw unsupported(entry)
    rmSync(join(directory, path), { recursive: true, force: true })
    if (entry.type === 'symlink') files.makeSymlink(path, { ...node, type: 'symlink' })
    else writeFile(files, path, node, entry.body)
  }
}

function parentOf(tree: Tree, made: Set<string>, files: RootFiles, path: string): string {
  if (path === '/' || path === '.') return ''
  const found = tree.resolve(path, true)
  if (found?.node.type === 'directory') return found.path
  const real = posix.join(parentOf(tree, made, files, posix.dirname(path)), posix.basename(path))
  if (!made.has(real)) {
    // It may be there: an earlier call made it, which the tree does not tell.
    mkdirSync(join(files.directory, real), { recursive: true })
    files.setDirectory(real, PLAIN_DIRECTORY)
    made.add(real)
  }
  return real
}

function writeFile(files: RootFiles, path: string, node: TreeNode, body: Buffer | undefined): void {
  const file = files.openFile(path)
  try {
    if (body !== undefined) file.write(body)
    file.end(node.size)
    files.finishFile(file, node)
  } finally {
    file.close()
  }
}

function unsupported(entry: TarEntry): PycdsError {
  return new PycdsError('INTERNAL', {
    message: `file ${entry.name}: hard links cannot be put into a container`,
    hint: 'This is a bug in pycds-image; please report it.',
  })
}
