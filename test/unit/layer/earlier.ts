// SPDX-License-Identifier: Apache-2.0
// A snapshot that the new layer does not replace would be refused at each start.
import test from 'ava'
import type { DiffId, ImageConfig } from '../../../src/image/index.js'
import { filesOf } from '../../../src/layer/contents.js'
import { earlierIn, type Hidden, lostSnapshot } from '../../../src/layer/earlier.js'
import { makeLayer } from '../../../src/layer/layer.js'
import { LABELS } from '../../../src/marks/marks.js'
import { readTar } from '../../../src/tar/index.js'
import { fakeContainer } from '../../helpers/fake-container.js'

const OLD = 'sha256:1' as DiffId
const OWN = 'sha256:2' as DiffId

function look(labels: Record<string, string>, hasSnapshot: boolean, last: DiffId = OWN) {
  const config = { config: { Labels: labels }, rootfs: { type: 'layers', diff_ids: [OLD, last] } }
  const there = { type: 'file', mode: 0o444, uid: 0, gid: 0, mtime: new Date(0) } as const
  const lstat = async (path: string) => (path === '/opt/pycds/app.snap' && hasSnapshot ? there : undefined)
  return earlierIn(config as unknown as ImageConfig, { lstat })
}

async function namesOf(hides: Hidden | undefined, ...paths: string[]) {
  const artifact = {
    kind: 'archive',
    files: () => paths.map((path) => ({ path, mode: 0o444, body: Buffer.from('x') })),
    environment: () => ({}),
    labels: {},
  }
  const bytes = Buffer.from('x')
  const content = { artifacts: [artifact], manifest: bytes, runtime: bytes, siteDirectories: ['/lib'] }
  const options = { mtime: new Date(0), hook: 'variable', hides } as const
  const layer = await makeLayer(fakeContainer(), content, options)
  const modes = new Map<string, number>()
  await readTar(layer.tar, async ({ name, mode }) => void modes.set(name, mode), {
    bodyBytes: layer.tar.length,
  })
  return { modes, files: await filesOf(layer) }
}

test('the snapshot of a build is hidden, and told', async (t) => {
  const earlier = await look({}, true)
  t.deepEqual(earlier, { hides: 'snapshot', snapshotOf: 'build' })
  t.is(
    lostSnapshot(earlier),
    'the snapshot that the build of this image has made is not in the new image: --snapshot makes another',
  )
  t.deepEqual(await look({}, false), { hides: undefined, snapshotOf: undefined })
})

test('the snapshot of a bake goes with its layer, and is told', async (t) => {
  const earlier = await look({ [LABELS.layer]: OWN }, true)
  t.deepEqual(earlier, { hides: undefined, snapshotOf: 'bake' })
  t.regex(lostSnapshot(earlier) ?? '', /^the snapshot that an earlier bake of this image has made is not in/)
})

test('what the layer that is taken off has hidden is hidden again', async (t) => {
  for (const hides of ['snapshot', 'folder'] as const) {
    const labels = { [LABELS.layer]: OWN, [LABELS.hides]: hides }
    t.deepEqual(await look(labels, false), { hides, snapshotOf: undefined })
  }
})

test('of an image that was built on a baked one the whole folder is hidden', async (t) => {
  t.deepEqual(await look({ [LABELS.layer]: OLD, [LABELS.hides]: 'snapshot' }, true), {
    hides: 'folder',
    snapshotOf: 'bake',
  })
})

test('the layer hides a snapshot that it does not replace, and no other file', async (t) => {
  const hiding = await namesOf('snapshot', '/opt/pycds/app.cds')
  t.is(hiding.modes.get('opt/pycds/.wh.app.snap'), 0o444)
  t.false(hiding.modes.has('opt/pycds/.wh..wh..opq'))
  t.false(hiding.files.some(({ path }) => path.includes('.wh.')))
  const replacing = await namesOf('snapshot', '/opt/pycds/app.cds', '/opt/pycds/app.snap')
  t.false(replacing.modes.has('opt/pycds/.wh.app.snap'))
  t.true((await namesOf('folder')).modes.has('opt/pycds/.wh..wh..opq'))
  for (const name of (await namesOf(undefined)).modes.keys()) t.false(name.includes('.wh.'))
})
