// SPDX-License-Identifier: Apache-2.0
// Images that a pattern fits, in layouts and archives.
import { cpSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import test from 'ava'
import type { PycdsError } from '../../../src/errors/index.js'
import { LocationStore, listLocations } from '../../../src/store/locations/index.js'
import { LayoutMaker, named } from '../../helpers/layout.js'
import { file } from '../../helpers/tar.js'
import { temporary } from '../../helpers/temporary.js'

test('the path of a pattern is for places, what is behind it for names in them', async (t) => {
  const folder = temporary(t)
  const web = new LayoutMaker(join(folder, 'team/web'))
  const image = await web.image([[file('a', 'x')]])
  web.index(['1.0', '1.1', '2.0', 'latest'].map((name) => named(image, name)))
  cpSync(join(folder, 'team/web'), join(folder, 'team/api'), { recursive: true })
  mkdirSync(join(folder, 'team/empty'))
  writeFileSync(join(folder, 'team/file'), 'no layout')

  const list = async (pattern: string) =>
    (await listLocations(pattern)).map(({ name }) => name.replace(`${folder}/`, ''))
  t.deepEqual(await list(`oci:${folder}/team/*:1.*`), [
    ...['oci:team/api:1.0', 'oci:team/api:1.1', 'oci:team/web:1.0', 'oci:team/web:1.1'],
  ])
  t.deepEqual(await list(`oci:${folder}/*/w?b:latest`), ['oci:team/web:latest'])
  t.deepEqual(await list(`oci:${folder}/team/*`), ['oci:team/api', 'oci:team/web'])
  t.deepEqual(await list(`oci:${folder}/nowhere/*:*`), [])
})

test('so it is with archives', async (t) => {
  const folder = temporary(t)
  const layout = new LayoutMaker(join(folder, 'layout'))
  layout.index([named(await layout.image([[file('a', 'x')]]), '1')])
  const store = new LocationStore()
  const { id } = await store.resolve(`oci:${layout.path}:1`)
  await store.tag(id, `oci-archive:${folder}/a.tar:1`)
  await store.tag(id, `docker-archive:${folder}/d.tar:team/app:1`)
  const list = async (pattern: string) =>
    (await listLocations(pattern)).map(({ name }) => name.replace(`${folder}/`, ''))
  t.deepEqual(await list(`oci-archive:${folder}/a.tar:*`), ['oci-archive:a.tar:1'])
  t.deepEqual(await list(`docker-archive:${folder}/d*.tar:team/*`), ['docker-archive:d.tar:team/app:1'])
})

test('a place that is named and not there is a failure', async (t) => {
  const error = await t.throwsAsync(listLocations(`oci:${temporary(t)}/none:*`))
  t.is((error as unknown as PycdsError).code, 'IMAGE_NOT_FOUND')
})
