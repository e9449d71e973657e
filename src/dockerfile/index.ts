// SPDX-License-Identifier: Apache-2.0
export { type Instruction, listForm, readFrom, readInstructions } from './read.js'
