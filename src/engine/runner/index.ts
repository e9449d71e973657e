// SPDX-License-Identifier: Apache-2.0
export { encodeOrder, fieldsOf, type Order, RUNNER } from './order.js'
export { type RunnerFailure, readStatus, runnerFailure } from './status.js'
