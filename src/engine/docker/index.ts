// SPDX-License-Identifier: Apache-2.0
export { RUN_LABEL } from './create-body.js'
export { DockerEngine } from './docker-engine.js'
