// SPDX-License-Identifier: Apache-2.0
export { DockerImageStore } from './docker-image-store.js'
