// SPDX-License-Identifier: Apache-2.0
// A layer that only adds files, as a bake makes it, put on top of an unpacked image and taken off again: whoever
// compares an image with what was made of it unpacks one of them.
import { DEFAULT_LIMITS, membersOf, type TarHeader } from '../tar/index.js'
import { RootFiles } from './files.js'
import type { TreeNode } from './node.js'
import { splitName, type Tree } from './tree.js'
import { addLayers, setTimes, type Unpacked, type UnpackLayer } from './unpack.js'

/** What a layer does to a tree. */
export interface Additions {
  /** Paths that it brings, each without those below it. */
  readonly added: readonly string[]
  /** Directories of the tree in which it puts something, or which it names. */
  readonly touched: ReadonlyMap<string, TreeNode>
}

/** What a layer adds; undefined when it changes or hides something that is there. */
export async function additionsOf(layer: UnpackLayer, tree: Tree): Promise<Additions | undefined> {
  const added = new Set<string>()
  const touched = new Map<string, TreeNode>()
  let addsOnly = true
  for await (const { header } of membersOf(await layer.open(), DEFAULT_LIMITS)) {
    addsOnly &&= note(header, layer.subject, tree, added, touched)
  }
  return addsOnly ? { added: [...added], touched } : undefined
}

function note(
  header: TarHeader,
  subject: string,
  tree: Tree,
  added: Set<string>,
  touched: Map<string, TreeNode>,
): boolean {
  if (header.type === 'link' || header.type === 'other') return false
  const parts = splitName(header.name, subject)
  if (parts.at(-1)?.startsWith('.wh.')) return false
  let node = tree.root
  for (const [index, part] of parts.entries()) {
    touched.set(parts.slice(0, index).join('/'), node)
    const next = node.children?.get(part)
    if (next === undefined) {
      added.add(parts.slice(0, index + 1).join('/'))
      return true
    }
    // Also a symlink on the way: where it leads is not worth working out.
    if (next.type !== 'directory') return false
    node = next
  }
  touched.set(parts.join('/'), node)
  return header.type === 'directory'
}

/**
 * Puts a layer on top of an unpacked image, whose tree stays as it is.
 * @param first how many layers the image has
 * @returns the tree of both
 */
export async function putOnTop(
  layer: UnpackLayer,
  directory: string,
  { tree, ownersKept, first }: Unpacked & { first: number },
  { added, touched }: Additions,
  signal: AbortSignal,
): Promise<Tree> {
  const both = tree.copyAlong(touched.keys())
  await addLayers([layer], directory, { tree: both, ownersKept, first }, signal)
  const files = new RootFiles(directory, ownersKept)
  for (const path of added) {
    const node = both.resolve(path, false)?.node
    if (node?.type === 'directory') setTimes(node, path, files)
  }
  for (const path of touched.keys()) {
    const node = both.resolve(path, false)?.node
    if (node !== undefined) files.setDirectoryTime(path, node)
  }
  return both
}

/** Takes off what a layer has added. */
export function removeAdditions(directory: string, ownersKept: boolean, { added, touched }: Additions): void {
  const files = new RootFiles(directory, ownersKept)
  for (const path of added) files.remove(path)
  for (const [path, node] of touched) {
    files.setDirectory(path, node)
    files.setDirectoryTime(path, node)
  }
}
