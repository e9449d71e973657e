// SPDX-License-Identifier: Apache-2.0
// The command line from the sources, without a build: node --import=tsx src/bin/dev.ts
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import './unknown-user.js'
import { main } from './main.js'

const root = fileURLToPath(new URL('../..', import.meta.url))
const pjson = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'))
pjson.oclif.commands.target = './src/commands/index.ts'
process.exit(await main(process.argv.slice(2), { root, pjson, isRoot: true } as { root: string }))
