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
  let done = false
  const seen: { left: number; underWay: number }[] = []
  const look = () => {
    seen.push({ left: leftIn(directory), underWay: process.getActiveResourcesInfo().length })
    if (!done) setImmediate(look)
  }
  setImmediate(look)
  await removeAll(directory)
  done = true
  t.true(
    seen.some(({ left }) => left > 0 && left < count),
    'nobody else got a turn',
  )
  t.true(
    seen.every(({ underWay }) => underWay < 100),
    `${Math.max(...seen.map(({ underWay }) => underWay))} requests at the same time`,
  )
})

function leftIn(directory: string): number {
  return existsSync(directory) ? readdirSync(directory).length : 0
}

test('what is there when it is stopped stays', async (t) => {
  const directory = join(temporary(t, { 'tree/a/b': '', 'tree/c': '' }), 'tree')
  await removeAll(directory, AbortSignal.abort())
  t.deepEqual(readdirSync(directory).sort(), ['a', 'c'])
})
