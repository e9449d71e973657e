// SPDX-License-Identifier: Apache-2.0
// The file systems of images as directories: unpacked, read and compared without leaving them.
export {
  type Difference,
  findDifferences,
  type Moment,
  nextMoment,
  revertAdditions,
} from './changes.js'
export { findInside, readInside, readLinkInside, readTreeInside } from './inside.js'
export { type Additions, additionsOf, putOnTop, removeAdditions } from './layer-on-top.js'
export type { TreeNode } from './node.js'
export { putFiles } from './put.js'
export { type Place, Tree } from './tree.js'
export { type Unpacked, type UnpackLayer, unpack } from './unpack.js'
