// SPDX-License-Identifier: Apache-2.0
export { openLayout } from './read.js'
export { writeLayout } from './write.js'
