// SPDX-License-Identifier: Apache-2.0
export { type ErrorCode, EXIT_CODES } from './codes.js'
export { PycdsError, toPycdsError } from './pycds-error.js'
export { type ErrorDocument, isDebugging, renderError, toErrorDocument } from './render.js'
