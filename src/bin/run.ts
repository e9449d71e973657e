#!/usr/bin/env node
// SPDX-License-Identifier: Apache-2.0
import { fileURLToPath } from 'node:url'
import './unknown-user.js'
import { main } from './main.js'

// An idle connection to the engine must not hold the process back.
process.exit(await main(process.argv.slice(2), { root: fileURLToPath(import.meta.url) }))
