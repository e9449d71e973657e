#!/usr/bin/env node
// SPDX-License-Identifier: Apache-2.0
import { fileURLToPath } from 'node:url'
import './unknown-user.js'

// Later, so that what it loads finds the system as it is answered for.
const { main } = await import('./main.js')

// An idle connection to the engine must not hold the process back.
process.exit(await main(process.argv.slice(2), { root: fileURLToPath(import.meta.url) }))
