// SPDX-License-Identifier: Apache-2.0
export { RegistryAttachments } from './attachments.js'
export { listRegistry } from './list.js'
export { openRegistry } from './read.js'
export { assertRegistryPlace, writeRegistry } from './write.js'
