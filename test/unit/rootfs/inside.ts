// SPDX-License-Identifier: Apache-2.0
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { readInside, readLinkInside, readTreeInside } from '../../../src/rootfs/index.js'
import { temporary } from '../../helpers/temporary.js'

function makeRoot(t: ExecutionContext): string {
  const parent = temporary(t)
  const root = join(parent, 'root')
  mkdirSync(join(root, 'etc/deep'), { recursive: true })
  writeFileSync(join(parent, 'secret'), 'secret')
  writeFileSync(join(root, 'etc/file'), 'text')
  writeFileSync(join(root, 'etc/deep/file'), 'deep')
  symlinkSync('../secret', join(root, 'climbs'))
  symlinkSync(join(parent, 'secret'), join(root, 'absolute'))
  symlinkSync('/etc', join(root, 'inside'))
  symlinkSync('loop', join(root, 'loop'))
  symlinkSync('../../etc/file', join(root, 'etc/up'))
  return root
}

const reads = test.macro(async (t: ExecutionContext, path: string, text: string | undefined) => {
  t.is((await readInside(makeRoot(t), path))?.toString(), text)
})

test('a file is read', reads, '/etc/file', 'text')
test('an absolute symlink starts at the root', reads, '/inside/deep/file', 'deep')
test('a symlink above the root stays at the root', reads, '/etc/up', 'text')
test('dots above the root stay at the root', reads, '/../../etc/../etc/file', 'text')
test('a symlink that climbs out leads nowhere', reads, '/climbs', undefined)
test('an absolute symlink to a file outside leads nowhere', reads, '/absolute', undefined)
test('a loop leads nowhere', reads, '/loop', undefined)
test('a directory is no file', reads, '/etc', undefined)
test('a file has nothing below it', reads, '/etc/file/x', undefined)

test('a tree is read without following symlinks in it', async (t) => {
  const root = makeRoot(t)
  symlinkSync('../../secret', join(root, 'etc/out'))
  const files = await readTreeInside(root, '/inside')
  t.deepEqual([...files.keys()].sort(), ['deep/file', 'file'])
})

test('a symlink is told as it was written', async (t) => {
  t.is(await readLinkInside(makeRoot(t), '/inside'), '/etc')
})
