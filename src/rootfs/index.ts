// SPDX-License-Identifier: Apache-2.0
// The file systems of images as directories: unpacked, read and compared without leaving them.
export { findInside, readInside, readLinkInside, readTreeInside } from './inside.js'
export { putFiles } from './put.js'
export {
  compareSnapshots,
  type Difference,
  revertAdditions,
  type Snapshot,
  takeSnapshot,
} from './snapshot.js'
export { type Place, Tree, type TreeNode } from './tree.js'
export { type Unpacked, type UnpackLayer, unpack } from './unpack.js'
