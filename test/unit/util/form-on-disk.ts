// SPDX-License-Identifier: Apache-2.0
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import test from 'ava'
import { packTar } from '../../../src/tar/index.js'
import { formOnDisk } from '../../../src/util/form-on-disk.js'
import { simpleLayout } from '../../helpers/layout.js'
import { file } from '../../helpers/tar.js'
import { temporary } from '../../helpers/temporary.js'

test('a layout is an image, and is written as one', async (t) => {
  const { path } = await simpleLayout(t)
  t.like(formOnDisk(path), { reason: 'it is an OCI layout here', isImage: true })
  t.true(formOnDisk(path)?.hint.startsWith(`Write oci:${path} `))
})

test('what a line to copy names is quoted where a shell needs it', (t) => {
  const folder = temporary(t)
  mkdirSync(join(folder, 'my app'))
  writeFileSync(join(folder, 'my app/oci-layout'), '')
  writeFileSync(join(folder, 'my app/Dockerfile'), '')
  t.is(formOnDisk(join(folder, 'my app'))?.hint, `Write 'oci:${folder}/my app' for it.`)
  t.true(
    formOnDisk(join(folder, 'my app/Dockerfile'))?.hint.endsWith(
      `pycds-image generate '${folder}/my app/Dockerfile'`,
    ),
  )
})

test('a tar is an image whatever its name, and a file of that name alone is none', async (t) => {
  const folder = temporary(t, { 'image.tar': 'no tar', short: '' })
  writeFileSync(join(folder, 'saved'), await packTar([file('manifest.json', '[]')]))
  t.like(formOnDisk(join(folder, 'saved')), { isImage: true })
  t.regex(formOnDisk(join(folder, 'saved'))?.hint ?? '', /docker-archive:.*oci-archive:/)
  for (const name of ['image.tar', 'short'])
    t.like(formOnDisk(join(folder, name)), { reason: 'it is a file here', isImage: false })
})

test('what an image is built from is built first', (t) => {
  const folder = temporary(t, { Dockerfile: 'FROM x\n' })
  t.regex(formOnDisk(folder)?.hint ?? '', /docker build -t NAME /)
  t.regex(formOnDisk(join(folder, 'Dockerfile'))?.hint ?? '', /pycds-image generate /)
})

test('any other directory is no layout, and what is not there is nothing', (t) => {
  const folder = temporary(t)
  mkdirSync(join(folder, 'empty'))
  t.like(formOnDisk(join(folder, 'empty')), { isImage: false })
  for (const text of ['none', 'a\0b', 'x'.repeat(5000)]) t.is(formOnDisk(join(folder, text)), undefined)
})
