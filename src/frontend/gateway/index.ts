// SPDX-License-Identifier: Apache-2.0
export type { Capabilities } from './capabilities.js'
export { type Options, type Request, readRequest } from './environment.js'
export { createGateway, type Gateway, SERVICE } from './gateway.js'
export { BuilderError, statusOf } from './status.js'
export { createTransport } from './transport.js'
