// SPDX-License-Identifier: Apache-2.0
// What killed processes have left is taken away by whoever comes next, and is in nobody's way.
import { mkdirSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import test from 'ava'
import { removeAbandonedWorkspaces } from '../../../../src/engine/local/workspace.js'
import { ownerMark } from '../../../../src/util/owner.js'
import { temporary } from '../../../helpers/temporary.js'

/** As this process names its own, but started at another time. */
const ofAnother = () => `pycds-${ownerMark().replace(/-\d+-([0-9a-f]+)$/, '-1-$1')}`

test('one that cannot be taken away, as while somebody else does so, stays for the next', async (t) => {
  const directory = temporary(t)
  const { TMPDIR } = process.env
  process.env.TMPDIR = directory
  t.teardown(() => {
    if (TMPDIR === undefined) delete process.env.TMPDIR
    else process.env.TMPDIR = TMPDIR
  })
  const [stuck, free, own] = [ofAnother(), ofAnother(), `pycds-${ownerMark()}`]
  for (const name of [stuck, free, own])
    mkdirSync(join(directory, name, 'bundle-0', 'state'), { recursive: true })
  await removeAbandonedWorkspaces(async (path) => {
    if (path.endsWith(stuck))
      throw Object.assign(new Error('ENOTEMPTY: directory not empty'), { code: 'ENOTEMPTY' })
  })
  t.deepEqual(readdirSync(directory).sort(), [stuck, own].sort())
  await removeAbandonedWorkspaces(async () => undefined)
  t.deepEqual(readdirSync(directory), [own])
})
