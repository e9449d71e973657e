// SPDX-License-Identifier: Apache-2.0
// Whoever interrupts a bake does not wait for an image to be unpacked, nor for what was unpacked to be removed.
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import test from 'ava'
import { LocalEngine } from '../../../../src/engine/local/index.js'
import { removeTree } from '../../../../src/engine/local/workspace.js'
import { LocationStore } from '../../../../src/store/locations/index.js'
import { simpleLayout } from '../../../helpers/layout.js'
import { temporary } from '../../../helpers/temporary.js'

const DEADLINE_MS = 60_000
const POLL_MS = 20

test('an image is not unpacked to its end', async (t) => {
  const { path } = await simpleLayout(t)
  const store = new LocationStore({})
  const { id } = await store.resolve(`oci:${path}`)
  const interrupting = new AbortController()
  const engine = new LocalEngine({ contents: (image) => store.contents(image), signal: interrupting.signal })
  const told: string[] = []
  engine.showProgress({
    step: (name) => {
      told.push(name)
      interrupting.abort()
      const tell = (what: string) => () => void told.push(what)
      return { update: () => {}, done: tell('done'), fail: tell('failed') }
    },
  })
  const file = { name: 'x', type: 'file', mode: 0o644, uid: 0, gid: 0, mtime: new Date(0) } as const
  const made = engine.create({ image: id, command: ['-'], env: {}, network: 'none', files: [file] })
  t.like(await t.throwsAsync(made), { code: 'INTERRUPTED' })
  t.deepEqual(told, ['unpack', 'failed'])
  await engine.removeAll()
})

test('what is left to remove is removed by a process that nobody waits for', async (t) => {
  t.timeout(DEADLINE_MS)
  const directory = join(temporary(t), 'tree')
  for (let folder = 0; folder < 40; folder += 1) {
    mkdirSync(join(directory, String(folder)), { recursive: true })
    for (let file = 0; file < 50; file += 1) writeFileSync(join(directory, String(folder), String(file)), '')
  }
  await removeTree(directory, AbortSignal.abort(), 0)
  while (existsSync(directory)) await setTimeout(POLL_MS)
  t.pass()
})

test('without a hurry it is gone when that is said', async (t) => {
  const directory = join(temporary(t, { 'tree/a/b': '' }), 'tree')
  await removeTree(directory, new AbortController().signal)
  t.false(existsSync(directory))
})
