// SPDX-License-Identifier: Apache-2.0
import { lstatSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'ava'
import { isOfKind } from '../../../src/util/file-mode.js'

test('the kinds are those of the files of this machine', (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'pycds-test-'))
  t.teardown(() => rmSync(directory, { recursive: true }))
  const file = join(directory, 'file')
  const link = join(directory, 'link')
  writeFileSync(file, '')
  symlinkSync(file, link)
  for (const [path, kind] of [
    [directory, 'directory'],
    [file, 'regular'],
    [link, 'symlink'],
    ['/dev/null', 'characterDevice'],
  ] as const) {
    const { mode } = lstatSync(path)
    t.true(isOfKind(mode, kind), path)
    t.is(isOfKind(mode, 'regular'), kind === 'regular', path)
  }
})
