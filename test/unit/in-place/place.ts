// SPDX-License-Identifier: Apache-2.0
import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'ava'
import { makePlace } from '../../../src/in-place/place.js'

test('the place of a run that was killed is removed by the next one, that of a living one is not', (t) => {
  const parent = mkdtempSync(join(tmpdir(), 'pycds-test-'))
  t.teardown(() => rmSync(parent, { recursive: true, force: true }))
  const mine = makePlace(parent)
  t.teardown(() => rmSync(mine, { recursive: true, force: true }))
  // This process, as if it had been started at another time.
  const dead = mine.replace(/-\d+-(?=[0-9a-f]{8}-)/, '-1-')
  mkdirSync(dead)
  const second = makePlace(parent)
  t.teardown(() => rmSync(second, { recursive: true, force: true }))
  t.false(existsSync(dead))
  t.true(existsSync(mine))
  t.not(mine, second)
})
