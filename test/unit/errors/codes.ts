// SPDX-License-Identifier: Apache-2.0
import test from 'ava'
import { EXIT_CODES } from '../../../src/errors/index.js'

test('the exit codes are the documented ones: scripts depend on them', (t) => {
  t.deepEqual(EXIT_CODES, {
    USAGE: 2,
    TRAINING_FAILED: 3,
    TRAINING_TIMEOUT: 3,
    NO_PYTHON: 4,
    PYTHON_UNSUPPORTED: 4,
    VERIFY_FAILED: 5,
    GATE_FAILED: 5,
    ENGINE_UNREACHABLE: 6,
    ENGINE_FAILED: 6,
    NO_SPACE: 6,
    REGISTRY_UNREACHABLE: 6,
    REGISTRY_REFUSED: 6,
    IMAGE_NOT_FOUND: 7,
    IMAGE_INVALID: 7,
    ARCHIVE_INVALID: 7,
    BAKE_TIMEOUT: 3,
    TRACE_INVALID: 7,
    INTERNAL: 70,
    INTERRUPTED: 130,
  })
})

test('no failure ends with success, nor with the code that Node uses for its own crashes', (t) => {
  for (const [code, exitCode] of Object.entries(EXIT_CODES)) t.true(exitCode > 1, code)
})
