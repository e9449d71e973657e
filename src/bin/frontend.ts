// SPDX-License-Identifier: Apache-2.0
// The entrypoint of the frontend's image.
import { main } from '../frontend/main.js'

// At once: an orderly end of the connection is for BuildKit a frontend that has broken off.
process.exit(await main())
