// SPDX-License-Identifier: Apache-2.0
export { type FrontendOptionKind, readFrontendSection } from './frontend.js'
export { type ConfigEntry, type ConfigOption, readConfig } from './images.js'
export { configSchema } from './schema.js'
