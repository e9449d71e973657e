// SPDX-License-Identifier: Apache-2.0
export { LocalEngine, type LocalEngineOptions } from './local-engine.js'
export { RUNTIME_NAMES, type RuntimeName } from './runtimes/runtime.js'
