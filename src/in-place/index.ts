// SPDX-License-Identifier: Apache-2.0
export { originalEnvironment } from './environment.js'
export { CurrentRoot } from './image-root.js'
export { trainee } from './user.js'
