// SPDX-License-Identifier: Apache-2.0
import test from 'ava'
import { type FreezeInput, type FreezeRoom, freeze } from '../../../../src/artifact/snapshot/freeze.js'
import type { ExecResult } from '../../../../src/ports/index.js'

/** @param ended  how an interpreter ends that is watched. */
function freezeIn(ended: ExecResult) {
  const room: FreezeRoom = {
    path: (name) => `/room/${name}`,
    out: (name) => `/room/out/${name}`,
    ask: async () => '[]',
    write: async () => undefined,
    read: async () => undefined,
    run: async () => ended,
  }
  const plan = { python: '/usr/bin/python3', options: [], environment: {}, programs: [], names: ['flask'] }
  const input: FreezeInput = {
    plan,
    exclude: [],
    cpu: 'native',
    preload: undefined,
    trials: [],
    library: '/opt/pycds/freeze.so',
    timeoutMs: 120_000,
  }
  return freeze(room, input, { update: () => {} })
}

test('an interpreter that takes too long is told with the next step, not with a code that it has not', async (t) => {
  await t.throwsAsync(freezeIn({ exitCode: null, output: 'it did not end within 120 s' }), {
    message:
      'the interpreter whose imports are watched did not end within 120 s: give it more time (--timeout 4m), or use a quieter machine',
  })
  await t.throwsAsync(freezeIn({ exitCode: null, output: 'the container has ended' }), {
    message: 'the interpreter whose imports are watched did not end by itself: the container has ended',
  })
  await t.throwsAsync(freezeIn({ exitCode: 3, output: 'a\nlast words\n' }), {
    message: 'the interpreter whose imports are watched ended with exit code 3: last words',
  })
})
