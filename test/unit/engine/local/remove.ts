// SPDX-License-Identifier: Apache-2.0
import { existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import test from 'ava'
import { removeAll } from '../../../../src/engine/local/remove.js'
import { temporary } from '../../../helpers/temporary.js'

test('all of it goes, and nothing that a symlink in it leads to', async (t) => {
  const at = temporary(t, { 'outside/kept': 'kept', 'tree/a/b/c/d': '', 'tree/a/e': '' })
  symlinkSync(join(at, 'outside'), join(at, 'tree/a/to-directory'))
  symlinkSync('../../outside/kept', join(at, 'tree/a/to-file'))
  symlinkSync('nowhere', join(at, 'tree/dangling'))
  await removeAll(join(at, 'tree'))
  t.false(existsSync(join(at, 'tree')))
  t.is(readFileSync(join(at, 'outside/kept'), 'utf8'), 'kept')
})

test('what is not there is removed already', async (t) => {
  await t.notThrowsAsync(removeAll(join(temporary(t), 'absent')))
})

test('others get their turn meanwhile, a signal among them, and little is under way at a time', async (t) => {
  const directory = join(temporary(t), 'tree')
  mkdirSync(directory)
  const count = 1200
  for (let file = 0; file < count; file += 1) writeFileSync(join(directory, String(file)), '')
  const seen = new Promise<{ left: number; underWay: number }>((resolve) =>
    setImmediate(() =>
      resolve({
        left: readdirSync(directory).length,
        underWay: process.getActiveResourcesInfo().length,
      }),
    ),
  )
  await removeAll(directory)
  const { left, underWay } = await seen
  t.true(left > 0 && left < count, `${left} were left`)
  t.true(underWay < 100, `${underWay} requests at the same time`)
})
