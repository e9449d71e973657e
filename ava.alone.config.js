// SPDX-License-Identifier: Apache-2.0
import integration, { ALONE } from './ava.integration.config.js'

/** The tests that need a container engine and have it for themselves. */
export default { ...integration, files: ALONE, concurrency: 1 }
