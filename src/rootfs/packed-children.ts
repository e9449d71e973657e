// SPDX-License-Identifier: Apache-2.0
// What is in one directory of a tree: directories as objects, which change, and everything else in the table of the tree.
import type { LeafTable } from './leaf-table.js'
import type { Children, TreeNode } from './node.js'

export class PackedChildren implements Children {
  readonly #leaves: LeafTable
  readonly #number: number
  /** Most directories have none. */
  #directories: Map<string, TreeNode> | undefined

  constructor(leaves: LeafTable) {
    this.#leaves = leaves
    this.#number = leaves.addDirectory()
  }

  get size(): number {
    return (this.#directories?.size ?? 0) + this.#leaves.sizeOf(this.#number)
  }

  get(name: string): TreeNode | undefined {
    return this.#directories?.get(name) ?? this.#leaves.get(this.#number, name)
  }

  set(name: string, node: TreeNode): void {
    if (node.type !== 'directory') {
      this.#directories?.delete(name)
      this.#leaves.set(this.#number, name, node)
      return
    }
    this.#leaves.delete(this.#number, name)
    this.#directories ??= new Map()
    // What is cut out of a longer text would keep all of that in memory.
    this.#directories.set(Buffer.from(name).toString(), node)
  }

  delete(name: string): boolean {
    return this.#directories?.delete(name) === true || this.#leaves.delete(this.#number, name)
  }

  *[Symbol.iterator](): Generator<[string, TreeNode]> {
    yield* this.#directories ?? []
    yield* this.#leaves.in(this.#number)
  }
}
