// SPDX-License-Identifier: Apache-2.0
export { openOciArchive } from './read.js'
export { writeOciArchive } from './write.js'
