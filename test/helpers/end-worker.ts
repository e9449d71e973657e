// SPDX-License-Identifier: Apache-2.0
// A test file whose process still holds something after its last test, such as the pipe of a program that has left a
// child behind, would keep the whole run waiting until it is called off. It ends, and says what it held. How long a
// file took, and how much processor time, is appended to the file that PYCDS_TEST_TIMES names.
import { appendFileSync, readFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import test, { registerCompletionHandler } from 'ava'
import { ROOT } from './repository.js'

const PATIENCE_MS = 30_000
/** USER_HZ, which is the same for every program of every Linux on the processors that are supported. */
const TICKS_PER_SECOND = 100

const { PYCDS_TEST_TIMES } = process.env
/** Of the source; what runs is below build/. */
const file = relative(join(ROOT, 'build'), fileURLToPath(test.meta.file)).replace(/\.js$/, '.ts')

if (PYCDS_TEST_TIMES !== undefined) {
  process.once('exit', () => {
    // Counted from the start of the process.
    const seconds = performance.now() / 1000
    appendFileSync(PYCDS_TEST_TIMES, `${seconds.toFixed(1)} ${processorSeconds().toFixed(1)} ${file}\n`)
  })
}

/** Of this process and of the programs that it has waited for, but not of an engine and its containers. */
function processorSeconds(): number {
  // proc_pid_stat(5): utime, stime, cutime and cstime are the 14th to the 17th; the second may hold blanks.
  const fields = readFileSync('/proc/self/stat', 'utf8')
    .replace(/^.*\) /, '')
    .split(' ')
  const ticks = fields.slice(11, 15).reduce((sum, field) => sum + Number(field), 0)
  return ticks / TICKS_PER_SECOND
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
