// SPDX-License-Identifier: Apache-2.0
// Speaking to a Docker compatible engine; what is said is up to the store and the engine.
export { type Connection, connect, type EngineRequest } from './connection.js'
export { replyTextOf, shortenReason, statusOf, streamedError } from './failure.js'
export { type EngineVersion, isPodman, readVersion } from './version.js'
