#!/usr/bin/env node
// SPDX-License-Identifier: Apache-2.0
// Runs ava on the tests as they were compiled. Whoever names a test names its source, as in
// `npm test -- test/unit/util/glob.ts`. Ava's provider for TypeScript does the same, but costs each test file a fifth
// of a second of processor time.
//
//   node scripts/ava.mjs [ARGUMENTS OF AVA...]
import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'

const SOURCE = /^(?:\.\/)?(test\/.+)\.ts$/
const AVA = fileURLToPath(new URL('../node_modules/.bin/ava', import.meta.url))

const words = process.argv.slice(2).map((word) => word.replace(SOURCE, 'build/$1.js'))
const { status, error } = spawnSync(process.execPath, [AVA, ...words], { stdio: 'inherit' })
if (error) throw error
process.exitCode = status ?? 1
