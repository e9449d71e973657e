// SPDX-License-Identifier: Apache-2.0
export { openDockerArchive } from './read.js'
export { membersOf, writeDockerArchive } from './write.js'
