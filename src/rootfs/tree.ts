// SPDX-License-Identifier: Apache-2.0
// The file system of an image as its layers describe it. Every path is resolved here and never by the kernel, so a
// symlink leads nowhere but to another place in the tree. Owners and modes are the image's, whoever unpacks it.
import { posix } from 'node:path'
import { PycdsError } from '../errors/index.js'

/** A file, directory or symlink, under one of its names. */
export interface TreeNode {
  type: 'file' | 'directory' | 'symlink'
  /** Permission bits. */
  mode: number
  uid: number
  gid: number
  mtime: Date
  /** Bytes. */
  size: number
  /** Where a symlink points, as written in it. */
  linkname?: string
  /** Of a file: programs in it run with capabilities of their own. */
  isCapable?: true
  /** Of a directory. */
  children?: Map<string, TreeNode>
  /** The layer that it came with, counted from the oldest. */
  layer: number
}

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

export function makeDirectory(layer: number, given: Partial<TreeNode> = {}): TreeNode {
  const plain = { mode: 0o755, uid: 0, gid: 0, mtime: new Date(0), size: 0 }
  return { ...plain, ...given, type: 'directory', children: new Map(), layer }
}

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

  constructor(root: TreeNode = makeDirectory(0)) {
    this.root = root
  }

  /** A tree of its own with the same content. */
  clone(): Tree {
    return new Tree(cloneNode(this.root))
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

function cloneNode(node: TreeNode): TreeNode {
  if (node.children === undefined) return { ...node }
  const children = new Map<string, TreeNode>()
  for (const [name, child] of node.children) children.set(name, cloneNode(child))
  return { ...node, children }
}

/** A member that an image must not have. */
export function refused(subject: string, name: string, reason: string): PycdsError {
  return new PycdsError('IMAGE_INVALID', {
    message: `${subject}: member ${JSON.stringify(name.slice(0, 200))}: ${reason}`,
    hint: 'The layer is damaged or was made to harm; build the image again from sources that you trust.',
  })
}
