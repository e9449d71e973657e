#!/usr/bin/env node
// SPDX-License-Identifier: Apache-2.0
import { fileURLToPath } from 'node:url'
import './unknown-user.js'

const EXIT_INTERRUPTED = 130

// The first process of a container, which the tool of a build step is, gets no signal that nobody has asked for. Once
// a command listens, it decides.
for (const name of ['SIGINT', 'SIGTERM'] as const) {
  process.on(name, () => {
    if (process.listenerCount(name) === 1) process.exit(EXIT_INTERRUPTED)
  })
}

// Only now, since it takes longer than anybody who wants to end this would wait, and so that what it loads finds the
// system as it is answered for.
const { main } = await import('./main.js')

// An idle connection to the engine must not hold the process back.
process.exit(await main(process.argv.slice(2), { root: fileURLToPath(import.meta.url) }))
