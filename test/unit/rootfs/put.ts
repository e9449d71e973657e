// SPDX-License-Identifier: Apache-2.0
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import test from 'ava'
import { putFiles, Tree } from '../../../src/rootfs/index.js'
import { file } from '../../helpers/tar.js'
import { temporary } from '../../helpers/temporary.js'

test('a directory that the image lacks is made once, however often something is put into it', (t) => {
  const root = temporary(t)
  const place = { tree: new Tree(), ownersKept: false }
  putFiles(root, place, [file('etc/hosts', 'a')])
  putFiles(root, place, [file('etc/hostname', 'b'), file('etc/resolv.conf', 'c')])
  const read = (name: string) => readFileSync(join(root, 'etc', name), 'utf8')
  t.deepEqual(['hosts', 'hostname', 'resolv.conf'].map(read), ['a', 'b', 'c'])
})
