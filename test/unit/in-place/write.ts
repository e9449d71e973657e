// SPDX-License-Identifier: Apache-2.0
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { PycdsError } from '../../../src/errors/index.js'
import { writeFiles } from '../../../src/in-place/write.js'
import { writeError } from '../../../src/in-place/write-error.js'

const OLD = new Date('2020-01-01T00:00:00Z')
const NEW = new Date('2024-01-01T00:00:00Z')

function directory(t: ExecutionContext): string {
  const root = mkdtempSync(join(tmpdir(), 'pycds-test-'))
  t.teardown(() => rmSync(root, { recursive: true, force: true }))
  return root
}

const file = (path: string, text: string, mode = 0o444) => ({ path, mode, body: Buffer.from(text) })

test('files get mode and time, new directories the same time, old ones keep theirs', (t) => {
  const root = directory(t)
  mkdirSync(join(root, 'site'), { mode: 0o750 })
  utimesSync(join(root, 'site'), OLD, OLD)
  const files = [file(join(root, 'opt/pycds/app.cds'), 'a'), file(join(root, 'site/x.pth'), 'x', 0o644)]
  writeFiles(files, { mtime: NEW })
  for (const path of ['opt', 'opt/pycds', 'opt/pycds/app.cds', 'site/x.pth']) {
    t.is(statSync(join(root, path)).mtimeMs, NEW.getTime(), path)
  }
  t.is(statSync(join(root, 'opt/pycds/app.cds')).mode & 0o777, 0o444)
  t.is(statSync(join(root, 'site')).mtimeMs, OLD.getTime())
  t.is(statSync(join(root, 'site')).mode & 0o777, 0o750)
})

test('a second run replaces what the first has written, also what it was writing when it was killed', (t) => {
  const root = directory(t)
  const path = join(root, 'app.cds')
  writeFiles([file(path, 'first')], { mtime: OLD })
  writeFileSync(`${path}.pycds-new`, 'fir')
  writeFiles([file(path, 'second')], { mtime: NEW })
  t.is(readFileSync(path, 'utf8'), 'second')
  t.deepEqual(readdirSync(root), ['app.cds'])
})

test('when one file cannot be written, none is', (t) => {
  const root = directory(t)
  writeFileSync(join(root, 'occupied'), '')
  const files = [file(join(root, 'opt/pycds/app.cds'), 'a'), file(join(root, 'occupied/x.pth'), 'x')]
  t.throws(() => writeFiles(files, { mtime: NEW }), {
    code: 'USAGE',
    message: /occupied\/x.pth: .*no directory/,
  })
  t.deepEqual(readdirSync(root), ['occupied'])
})

test('what lies where a file goes is told, and nothing is written', (t) => {
  const root = directory(t)
  mkdirSync(join(root, 'directory'))
  symlinkSync('nowhere/at/all', join(root, 'dangling'))
  const others = ['directory', 'dangling/x', `${'long'.repeat(100)}/x`]
  for (const name of others) {
    const files = [file(join(root, 'opt/pycds/app.cds'), 'a'), file(join(root, name), 'x')]
    const error = t.throws(() => writeFiles(files, { mtime: NEW }), { code: 'USAGE' }, name)
    t.true(error?.message.startsWith(root), error?.message)
    t.deepEqual(readdirSync(root).sort(), ['dangling', 'directory'])
  }
})

test('below an output directory, directories look as in the image, by their real paths', (t) => {
  const root = directory(t)
  mkdirSync(join(root, 'usr/lib'), { recursive: true })
  utimesSync(join(root, 'usr/lib'), OLD, OLD)
  symlinkSync('usr/lib', join(root, 'lib'))
  const output = join(root, 'out/put')
  writeFiles([file(join(root, 'lib/x.pth'), 'x')], { mtime: NEW, output })
  t.deepEqual(readdirSync(join(output, root)), ['usr'])
  t.is(statSync(join(output, root, 'usr/lib')).mtimeMs, OLD.getTime())
  t.deepEqual(readdirSync(join(root, 'usr/lib')), [])
})

test("the file system's refusals are told with what to do", (t) => {
  const refused = (code: string) => writeError(Object.assign(new Error(code), { code }), '/site/x.pth')
  const [denied, full] = [refused('EACCES'), refused('ENOSPC')]
  t.true(denied instanceof PycdsError && denied.code === 'USAGE' && /may not write/.test(denied.message))
  t.true(full instanceof PycdsError && full.code === 'NO_SPACE')
  t.false(refused('EIO') instanceof PycdsError)
})
