// SPDX-License-Identifier: Apache-2.0
// A layer never takes away what an image has.
import test from 'ava'
import { packLayer } from '../../../src/layer/layer.js'
import type { LinkStat } from '../../../src/ports/index.js'
import { fakeContainer } from '../../helpers/fake-container.js'

const DATE = new Date(0)
const place = (type: LinkStat['type'], linkname?: string): LinkStat => ({
  ...{ type, mode: 0o755, uid: 0, gid: 0, mtime: DATE },
  ...(linkname === undefined ? {} : { linkname }),
})

function pack(path: string, files: Readonly<Record<string, LinkStat>>) {
  const image = fakeContainer(undefined, { lstat: async (asked) => files[asked] })
  return packLayer(image, [{ path, mode: 0o444, body: Buffer.from('x') }], DATE)
}

test('what is no directory is not replaced by one', async (t) => {
  for (const [path, files, named] of [
    ['/opt/pycds/app.cds', { '/opt': place('file') }, '/opt'],
    [
      '/opt/pycds/app.cds',
      { '/opt': place('symlink', 'srv/data'), '/srv': place('directory'), '/srv/data': place('file') },
      '/srv/data',
    ],
    [
      '/app/__pycache__/a.pyc',
      { '/app': place('directory'), '/app/__pycache__': place('other') },
      '/app/__pycache__',
    ],
    ['/opt/pycds/app.cds', { '/opt': place('symlink', '/opt') }, '/opt'],
  ] as const) {
    const error = await t.throwsAsync(pack(path, files), { code: 'IMAGE_INVALID' })
    t.true(error?.message.startsWith(`${named} in the image: it is no directory`), error?.message)
  }
})

test('directories, links to them, and what is not there are no obstacle', async (t) => {
  const files = { '/opt': place('symlink', 'srv/data'), '/srv': place('directory') }
  t.true((await pack('/opt/pycds/app.cds', files)).tar.includes('srv/data/pycds/app.cds'))
})
