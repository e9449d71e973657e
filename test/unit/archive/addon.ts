// SPDX-License-Identifier: Apache-2.0
import test from 'ava'
import { addonFolders, usesMusl } from '../../../src/archive/addon.js'
import { temporary } from '../../helpers/temporary.js'

const program = (loader: string) =>
  Buffer.concat([Buffer.alloc(700, 1), Buffer.from(`${loader}\0`), Buffer.alloc(9000)])

test('a Node of musl takes the addon of musl, any other one the likelier first', (t) => {
  const folder = temporary(t, {
    musl: program('/lib/ld-musl-x86_64.so.1'),
    glibc: program('/lib64/ld-linux-x86-64.so.2'),
    short: '\x7fELF',
  })
  t.deepEqual(addonFolders('x64', `${folder}/musl`), ['linux-x64-musl'])
  for (const name of ['glibc', 'short', 'absent'])
    t.deepEqual(addonFolders('arm64', `${folder}/${name}`), ['linux-arm64', 'linux-arm64-musl'], name)
})

test('this Node is told from its own file', (t) => {
  const report = process.report?.getReport() as unknown as { header: { glibcVersionRuntime?: string } }
  t.is(usesMusl(process.execPath), report.header.glibcVersionRuntime === undefined)
})
