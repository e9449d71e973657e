#!/usr/bin/env node
// SPDX-License-Identifier: Apache-2.0
// Runs ava on the tests as they were compiled. Whoever names a test names its source, a directory or a pattern, from
// the root of the checkout, as in `npm test -- test/unit/util/glob.ts`, or from where he is. Ava's provider for
// TypeScript does the same, but costs each test file a fifth of a second of processor time.
//
//   node scripts/ava.mjs [ARGUMENTS OF AVA...]
//
// Ava runs in this process: what ends it ends ava, and no other process has to be told.
import { spawnSync } from 'node:child_process'
import { join, relative, resolve } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'

const ROOT = fileURLToPath(new URL('..', import.meta.url))
const AVA = join(ROOT, 'node_modules/ava')
const OF_TESTS = /^test(?=$|\/)/

/** What was compiled from it, where a word names tests. */
function compiled(word) {
  if (word.startsWith('-')) return word
  const fromRoot = word.replace(/^\.\//, '')
  const path = OF_TESTS.test(fromRoot) ? fromRoot : relative(ROOT, resolve(word))
  return OF_TESTS.test(path) ? `build/${path.replace(/\.ts$/, '.js')}` : word
}

/** Ava takes what it does not know for no option at all, and runs every test. */
function refuseUnknown(words) {
  const end = words.indexOf('--')
  const options = words.slice(0, end === -1 ? undefined : end).filter((word) => /^--./.test(word))
  const names = options.map((word) => word.replace(/=.*/, '').replace(/^--no-/, '--'))
  const known = new Set(['--config', '--match', '--tap'])
  if (names.every((name) => known.has(name))) return
  const help = spawnSync(process.execPath, [join(AVA, 'entrypoints/cli.mjs'), '--help'], { encoding: 'utf8' })
  const told = new Set([...help.stdout.matchAll(/--(?:no-)?([a-z-]+)/g)].map(([, name]) => `--${name}`))
  const wrong = names.filter((name) => !told.has(name))
  if (wrong.length === 0) return
  process.stderr.write(`error: unknown option ${wrong.join(', ')}; see node scripts/ava.mjs --help\n`)
  process.exit(1)
}

/**
 * Of what it calls off, ava has an error and not the parts of one that its TAP reporter takes, which throws: a test
 * that hangs, or ends its process, would end the run of all files, and its name would not be told.
 */
function tellWhatIsCalledOff({ prototype }) {
  const { writeTest, writeTimeout, consumeStateChange } = prototype
  const ended = new Set()
  prototype.writeTest = function (event, flags) {
    const { err } = event
    const parts = {
      name: 'Error',
      type: 'native',
      originalError: err,
      stack: err?.stack,
      formattedDetails: [],
    }
    writeTest.call(this, err instanceof Error ? { ...event, err: parts } : event, flags)
  }
  prototype.consumeStateChange = function (event) {
    if (event.type === 'worker-finished' || event.type === 'worker-failed') ended.add(event.testFile)
    consumeStateChange.call(this, event)
  }
  // A file that hangs outside of its tests is not among those that have pending ones.
  prototype.writeTimeout = function (event) {
    writeTimeout.call(this, event)
    for (const testFile of this.stats.byFile.keys())
      if (!ended.has(testFile) && !event.pendingTests.get(testFile)?.size)
        this.writeCrash(
          { type: event.type, testFile },
          `${this.relativeFile(testFile)} hangs outside of its tests`,
        )
  }
}

const load = (path) => import(pathToFileURL(join(AVA, path)).href)

const words = process.argv.slice(2)
refuseUnknown(words)
process.argv.splice(2, words.length, ...words.map(compiled))
process.chdir(ROOT)
tellWhatIsCalledOff((await load('lib/reporters/tap.js')).default)
await (await load('lib/cli.js')).default()
