// SPDX-License-Identifier: Apache-2.0
import test from 'ava'
import type { SnapshotNote } from '../../../../src/artifact/kind/manifest.js'
import { describeSnapshot } from '../../../../src/artifact/snapshot/describe.js'
import { snapshotContentFacts } from '../../../../src/artifact/snapshot/facts.js'

const NOTED = {
  bytes: 1_000_000,
  modules: ['flask'],
  programs: [],
  leftOut: [],
} as unknown as SnapshotNote

const image = (size: number | undefined) => ({
  stat: async () => (size === undefined ? undefined : { size, mode: 0o100444 }) as never,
})

test('a snapshot is described as the manifest has it, where the file is as long as that says', async (t) => {
  const found = await describeSnapshot(image(1_000_000), NOTED)
  t.like(found, { path: '/opt/pycds/app.snap', problem: null })
  t.deepEqual(found && snapshotContentFacts(found)[0], [
    'snapshot',
    '/opt/pycds/app.snap  1.0 MB, 1 module ready',
  ])
})

test('one that was cut is told as what no start uses', async (t) => {
  const found = await describeSnapshot(image(500_000), NOTED)
  const [, text] = (found && snapshotContentFacts(found)[0]) ?? []
  t.regex(text ?? '', /0\.50 MB|500 kB/)
  t.regex(text ?? '', /not used: TRUNCATED: the file is shorter or longer than its header says$/)
})

test('none is described that is not there, or of which nothing was noted', async (t) => {
  t.is(await describeSnapshot(image(undefined), NOTED), null)
  t.is(await describeSnapshot(image(5), undefined), null)
})
