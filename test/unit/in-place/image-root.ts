// SPDX-License-Identifier: Apache-2.0
import { mkdirSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import test from 'ava'
import { CurrentRoot } from '../../../src/in-place/image-root.js'
import { temporary } from '../../helpers/temporary.js'

test('a root is told from others by what lies in it, and by when that changed only if asked to', (t) => {
  const place = temporary(t, { 'site/app.py': 'x = 1\n', 'site/hook.pth': 'import hook\n', status: 'one\n' })
  mkdirSync(join(place, 'site/package'))
  const root = new CurrentRoot()
  const paths = [join(place, 'site'), join(place, 'status'), join(place, 'nowhere')]
  const without = [join(place, 'site/hook.pth')]
  const ask = (times = false) => root.fingerprint(paths, { times, without })
  const [before, timed] = [ask(), ask(true)]
  utimesSync(join(place, 'site/app.py'), 1, 1)
  writeFileSync(join(place, 'site/hook.pth'), 'import another\n')
  t.is(ask(), before)
  t.not(ask(true), timed)
  writeFileSync(join(place, 'site/app.py'), 'x = 22\n')
  const changed = ask()
  t.not(changed, before)
  writeFileSync(join(place, 'status'), 'another\n')
  t.not(ask(), changed)
})

test('an archive goes beside the runtime where something else lies in its place', (t) => {
  const place = temporary(t, { file: '' })
  const root = new CurrentRoot()
  const beside = join(place, 'site/pycds')
  t.is(root.archiveFolder(join(place, 'opt/pycds'), beside), join(place, 'opt/pycds'))
  t.is(root.archiveFolder(join(place, 'file/pycds'), beside), beside)
  t.is(root.archiveFolder(join(place, 'file'), beside), beside)
})
