// SPDX-License-Identifier: Apache-2.0
import {
  appendFileSync,
  chmodSync,
  mkdirSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { compareSnapshots, revertAdditions, takeSnapshot } from '../../../src/rootfs/index.js'
import { temporary } from '../../helpers/temporary.js'

function sample(t: ExecutionContext): string {
  const root = join(temporary(t), 'root')
  mkdirSync(join(root, 'd'), { recursive: true })
  writeFileSync(join(root, 'd/f'), 'text')
  writeFileSync(join(root, 'g'), 'text')
  return root
}

test('nothing has changed', (t) => {
  const root = sample(t)
  t.deepEqual(compareSnapshots(takeSnapshot(root), takeSnapshot(root)), [])
})

test('additions are found and taken back, times of directories included', (t) => {
  const root = sample(t)
  utimesSync(join(root, 'd'), 1000, 1000)
  const before = takeSnapshot(root)
  mkdirSync(join(root, 'd/new'))
  writeFileSync(join(root, 'd/new/x'), '')
  symlinkSync('/', join(root, 'd/link'))
  const differences = compareSnapshots(before, takeSnapshot(root))
  t.deepEqual(
    differences.filter(({ kind }) => kind === 'added').map(({ path }) => path),
    ['d/link', 'd/new', 'd/new/x'],
  )
  t.true(revertAdditions(root, before, differences))
  t.deepEqual([...takeSnapshot(root).keys()].sort(), [...before.keys()].sort())
  t.is(statSync(join(root, 'd')).mtimeMs, 1_000_000)
})

for (const [what, change] of [
  ['more content', (root: string) => appendFileSync(join(root, 'd/f'), 'x')],
  ['another mode', (root: string) => chmodSync(join(root, 'd/f'), 0o600)],
  ['a file that is gone', (root: string) => rmSync(join(root, 'g'))],
  [
    'the same size and time',
    (root: string) => {
      const { mtime } = statSync(join(root, 'g'))
      writeFileSync(join(root, 'g'), 'TEXT')
      utimesSync(join(root, 'g'), mtime, mtime)
    },
  ],
] as const) {
  test(`${what}: it cannot be taken back, and nothing is touched`, (t) => {
    const root = sample(t)
    const before = takeSnapshot(root)
    change(root)
    writeFileSync(join(root, 'added'), '')
    const differences = compareSnapshots(before, takeSnapshot(root))
    t.false(revertAdditions(root, before, differences))
    t.true(takeSnapshot(root).has('added'))
  })
}
