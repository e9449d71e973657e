// SPDX-License-Identifier: Apache-2.0
// The file system of an image as its layers describe it. Every path is resolved here and never by the kernel, so a
// symlink leads nowhere but to another place in the tree. Owners and modes are the image's, whoever unpacks it.
import { posix } from 'node:path'
import { PycdsError } from '../errors/index.js'
import { LeafTable } from './leaf-table.js'
import type { TreeNode } from './node.js'
import { PackedChildren } from './packed-children.js'

/** A node and the path to it that has no symlink in it, without a leading slash; empty for the root. */
export interface Place {
  readonly path: string
  readonly node: TreeNode
}

/** As many as Linux follows. */
const LINK_LIMIT = 40
const NAME_BYTES_LIMIT = 255
/** Deeper trees cannot be removed again without exhausting the stack, and nobody makes them. */
const DEPTH_LIMIT = 400
const PATH_BYTES_LIMIT = 3800

/** Of a directory that is made because something lies in it. */
export const PLAIN_DIRECTORY = { mode: 0o755, uid: 0, gid: 0, mtime: new Date(0) } as const

/** Splits the name of a tar member; IMAGE_INVALID when it climbs out of the root or cannot be a path. */
export function splitName(name: string, subject: string): string[] {
  const parts: string[] = []
  for (const part of name.split('/')) {
    if (part === '' || part === '.') continue
    if (part !== '..') {
      if (part.includes('\0') || Buffer.byteLength(part) > NAME_BYTES_LIMIT) {
        throw refused(subject, name, 'its name cannot be a path')
      }
      parts.push(part)
    } else if (parts.pop() === undefined) {
      throw refused(subject, name, 'it climbs out of the root')
    }
  }
  return parts
}

/** Throws IMAGE_INVALID for a path that is too long or too deep, symlinks on the way resolved. */
export function assertReachable(path: string, subject: string, name: string): void {
  if (Buffer.byteLength(path) > PATH_BYTES_LIMIT || path.split('/').length > DEPTH_LIMIT) {
    throw refused(subject, name, 'its path is longer than this system allows')
  }
}

/** The tree of one image. */
export class Tree {
  readonly root: TreeNode
  readonly #leaves = new LeafTable()

  /** @param like the root of another tree, of which this one is to have a copy; absent: one without anything in it */
  constructor(like?: TreeNode) {
    this.root = like === undefined ? this.makeDirectory(0) : this.#copy(like)
  }

  /** An empty directory, to be put into one of this tree. */
  makeDirectory(layer: number, given: Partial<TreeNode> = {}): TreeNode {
    return {
      ...PLAIN_DIRECTORY,
      ...given,
      size: 0,
      type: 'directory',
      children: new PackedChildren(this.#leaves),
      layer,
    }
  }

  /** A directory of this tree with the same nodes in it. */
  #copy(directory: TreeNode): TreeNode {
    const children = new PackedChildren(this.#leaves)
    for (const [name, node] of directory.children ?? []) children.set(name, node)
    return { ...directory, children }
  }

  /**
   * A tree with the same content, and the same nodes but for the directories on the paths given: in those, changes
   * are its own.
   */
  copyAlong(paths: Iterable<string>): Tree {
    const tree = new Tree(this.root)
    const own = new Set<TreeNode>()
    for (const path of paths) {
      let here = tree.root
      for (const part of path === '' ? [] : path.split('/')) {
        const below = here.children?.get(part)
        if (below?.type !== 'directory') break
        const mine = own.has(below) ? below : tree.#copy(below)
        own.add(mine)
        here.children?.set(part, mine)
        here = mine
      }
    }
    return tree
  }

  /**
   * Follows a path from the root as a program inside would.
   * @param final whether a symlink at its end is followed too
   */
  resolve(path: string, final: boolean): Place | undefined {
    const rest = path.split('/')
    const above: Place[] = []
    let here: Place = { path: '', node: this.root }
    let links = 0
    for (let part = rest.shift(); part !== undefined; part = rest.shift()) {
      if (part === '' || part === '.') continue
      if (part === '..') {
        here = above.pop() ?? { path: '', node: this.root }
        continue
      }
      const node = here.node.children?.get(part)
      if (node === undefined) return undefined
      if (node.type === 'symlink' && (final || rest.some((one) => one !== ''))) {
        links += 1
        if (links > LINK_LIMIT || node.linkname === undefined) return undefined
        if (node.linkname.startsWith('/')) {
          above.length = 0
          here = { path: '', node: this.root }
        }
        rest.unshift(...node.linkname.split('/'))
        continue
      }
      above.push(here)
      here = { path: posix.join(here.path, part), node }
    }
    return here
  }
}

/** A member that an image must not have. */
export function refused(subject: string, name: string, reason: string): PycdsError {
  return new PycdsError('IMAGE_INVALID', {
    message: `${subject}: member ${JSON.stringify(name.slice(0, 200))}: ${reason}`,
    hint: 'The layer is damaged or was made to harm; build the image again from sources that you trust.',
  })
}
