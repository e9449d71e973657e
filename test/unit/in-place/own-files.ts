// SPDX-License-Identifier: Apache-2.0
import { existsSync, readdirSync, readFileSync, statSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import test from 'ava'
import { OwnFiles } from '../../../src/in-place/own-files.js'
import { writeFiles } from '../../../src/in-place/write.js'
import { temporary } from '../../helpers/temporary.js'

const THEN = new Date(1e12)

test('what was put in for a while goes again, and nothing else with it', (t) => {
  const root = temporary(t, { 'site/old.so': 'old', 'site/other.py': '' })
  const site = join(root, 'site')
  for (const path of [join(site, 'old.so'), site, root]) utimesSync(path, THEN, THEN)
  const file = (path: string) => ({ path: join(root, path), mode: 0o444, body: Buffer.from('new') })
  const files = ['site/old.so', 'opt/pycds/app.cds', 'more/pycds/app.snap'].map(file)
  const own = new OwnFiles()
  own.expect(files)
  writeFiles(files, { mtime: new Date() })
  own.expect(files)
  writeFiles(files, { mtime: new Date() })
  writeFileSync(join(root, 'more/theirs'), '')
  own.takeBack()
  t.deepEqual(readdirSync(root).sort(), ['more', 'site'])
  t.deepEqual(readdirSync(join(root, 'more')), ['theirs'])
  t.is(readFileSync(join(site, 'old.so'), 'utf8'), 'old')
  for (const path of [join(site, 'old.so'), site, root]) t.deepEqual(statSync(path).mtime, THEN, path)
  t.deepEqual(
    [own.has(root), own.has(join(site, 'old.so')), own.has(join(root, 'opt/pycds'))],
    [true, true, false],
  )
  t.false(existsSync(join(root, 'opt')))
})
