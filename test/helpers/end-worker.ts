// SPDX-License-Identifier: Apache-2.0
// A test file whose process still holds something after its last test, such as the pipe of a program that has left a
// child behind, would keep the whole run waiting until it is called off. It ends, and says what it held.
import { fileURLToPath } from 'node:url'
import test, { registerCompletionHandler } from 'ava'

const PATIENCE_MS = 30_000

registerCompletionHandler(() => {
  const timer = setTimeout(() => {
    const held = process.getActiveResourcesInfo().join(', ')
    process.stderr.write(`${fileURLToPath(test.meta.file)} held on after its last test: ${held}\n`)
    process.exit()
  }, PATIENCE_MS)
  // Whoever holds nothing ends at once.
  timer.unref()
})
