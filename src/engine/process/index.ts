// SPDX-License-Identifier: Apache-2.0
export { ProcessEngine, type ProcessEngineOptions } from './process-engine.js'
