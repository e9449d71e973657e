// SPDX-License-Identifier: Apache-2.0
// The command line from the sources, without a build: node --import=tsx src/bin/dev.ts
import { readFileSync } from 'node:fs'
import { inPackage, PACKAGE_ROOT } from '../util/package-root.js'
import { main } from './main.js'

const pjson = JSON.parse(readFileSync(inPackage('package.json'), 'utf8'))
pjson.oclif.commands = { strategy: 'explicit', target: './src/commands/index.ts', identifier: 'COMMANDS' }
const options = { root: PACKAGE_ROOT, pjson, isRoot: true, ignoreManifest: true }
process.exit(await main(process.argv.slice(2), options as { root: string }))
