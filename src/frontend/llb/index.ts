// SPDX-License-Identifier: Apache-2.0
export { type Command, copyOver, files, image, local, type Mount, type Platform, run } from './ops.js'
export { fromDefinition, type OpNote, type State, toDefinition } from './state.js'
