// SPDX-License-Identifier: Apache-2.0
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { Snapshot } from '../../../src/in-place/snapshot.js'
import { undoChanges } from '../../../src/in-place/undo.js'

const OLD = new Date('2020-01-01T00:00:00Z')

function directory(t: ExecutionContext): string {
  const root = mkdtempSync(join(tmpdir(), 'pycds-test-'))
  t.teardown(() => rmSync(root, { recursive: true, force: true }))
  mkdirSync(join(root, 'var/log'), { recursive: true })
  writeFileSync(join(root, 'var/app.db'), 'rows')
  writeFileSync(join(root, 'var/old.txt'), '')
  for (const path of ['var/log', 'var', '']) utimesSync(join(root, path), OLD, OLD)
  return root
}

test('what a run added is removed, and directories get their time back', async (t) => {
  const root = directory(t)
  const before = await Snapshot.take(root)
  mkdirSync(join(root, 'var/cache/deep'), { recursive: true })
  writeFileSync(join(root, 'var/cache/deep/x.pyc'), 'x')
  writeFileSync(join(root, 'var/log/app.log'), 'x')
  const changes = await before.changes()
  const undone = await undoChanges(before, changes)
  t.deepEqual(undone.kept, [])
  t.deepEqual(
    undone.removed,
    ['var/cache', 'var/cache/deep', 'var/cache/deep/x.pyc', 'var/log/app.log'].map((path) =>
      join(root, path),
    ),
  )
  t.deepEqual(readdirSync(root, { recursive: true }).sort(), ['var', 'var/app.db', 'var/log', 'var/old.txt'])
  for (const path of ['var', 'var/log']) t.is(statSync(join(root, path)).mtimeMs, OLD.getTime(), path)
})

test('a file that was changed or deleted is told, since its content is gone', async (t) => {
  const root = directory(t)
  const before = await Snapshot.take(root)
  writeFileSync(join(root, 'var/app.db'), 'ROWS') // the same size, a new change time
  rmSync(join(root, 'var/old.txt'))
  const { kept, removed } = await undoChanges(before, await before.changes())
  t.deepEqual(removed, [])
  t.deepEqual(kept, [
    { path: join(root, 'var/app.db'), kind: 'modified' },
    { path: join(root, 'var/old.txt'), kind: 'deleted' },
  ])
})

test('nothing happened, nothing is reported', async (t) => {
  const root = directory(t)
  const before = await Snapshot.take(root)
  t.deepEqual(await before.changes(), [])
})

test('a directory that became a file, and a file that became one, are told with all below them', async (t) => {
  const root = directory(t)
  writeFileSync(join(root, 'var/log/app.log'), 'x')
  const before = await Snapshot.take(root)
  rmSync(join(root, 'var/log'), { recursive: true })
  writeFileSync(join(root, 'var/log'), 'a file')
  rmSync(join(root, 'var/app.db'))
  mkdirSync(join(root, 'var/app.db'))
  writeFileSync(join(root, 'var/app.db/new'), '')
  const changes = (await before.changes()).map(({ path, kind }) => `${kind} ${path.slice(root.length + 1)}`)
  t.deepEqual(changes, [
    'modified var',
    'modified var/app.db',
    'added var/app.db/new',
    'modified var/log',
    'deleted var/log/app.log',
  ])
})

test('a signal ends it on the way', async (t) => {
  const root = directory(t)
  for (let index = 0; index < 500; index++) mkdirSync(join(root, `d${index}`))
  await t.throwsAsync(Snapshot.take(root, AbortSignal.abort(new Error('asked'))), { message: 'asked' })
})

test('what is new is told from what there was, also behind links', async (t) => {
  const root = directory(t)
  symlinkSync('var', join(root, 'data'))
  const before = await Snapshot.take(root)
  mkdirSync(join(root, 'var/env/lib'), { recursive: true })
  symlinkSync('var/env', join(root, 'env'))
  symlinkSync('var/log', join(root, 'log'))
  const isNew = (path: string) => before.isNew(join(root, path))
  t.deepEqual(['var/env', 'var/env/lib', 'data/env/lib', 'env', 'env/lib', 'log'].filter(isNew).length, 6)
  t.deepEqual(['var', 'var/app.db', 'data', 'data/log', 'nowhere', 'nowhere/x'].filter(isNew), [])
})
