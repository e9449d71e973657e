// SPDX-License-Identifier: Apache-2.0
// What is in a tree.

/** A file, directory or symlink, under one of its names. Only directories change. */
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
  linkname?: string | undefined
  /** Of a file: programs in it run with capabilities of their own. */
  isCapable?: true | undefined
  /** Of a directory. */
  children?: Children
  /** The layer that it came with, counted from the oldest. */
  layer: number
}

/** What is in one directory, by name. */
export interface Children extends Iterable<[string, TreeNode]> {
  readonly size: number
  get(name: string): TreeNode | undefined
  /** Puts a node under a name, instead of what has it. Of what is no directory the attributes are taken. */
  set(name: string, node: TreeNode): void
  /** Returns whether there was one. */
  delete(name: string): boolean
}
