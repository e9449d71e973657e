// SPDX-License-Identifier: Apache-2.0
// A test file whose process still holds something after its last test, such as the pipe of a program that has left a
// child behind, would keep the whole run waiting until it is called off. It ends, and says what it held. How long a
// file took is appended to the file that PYCDS_TEST_TIMES names.
import { appendFileSync } from 'node:fs'
import { relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import test, { registerCompletionHandler } from 'ava'
import { ROOT } from './repository.js'

const PATIENCE_MS = 30_000

const { PYCDS_TEST_TIMES } = process.env
const file = relative(ROOT, fileURLToPath(test.meta.file))

if (PYCDS_TEST_TIMES !== undefined) {
  process.once('exit', () => {
    // Counted from the start of the process.
    appendFileSync(PYCDS_TEST_TIMES, `${(performance.now() / 1000).toFixed(1)} ${file}\n`)
  })
}

registerCompletionHandler(() => {
  const timer = setTimeout(() => {
    const held = process.getActiveResourcesInfo().join(', ')
    process.stderr.write(`${file} held on after its last test: ${held}\n`)
    process.exit()
  }, PATIENCE_MS)
  // Whoever holds nothing ends at once.
  timer.unref()
})
