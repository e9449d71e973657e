// SPDX-License-Identifier: Apache-2.0
import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import test from 'ava'
import { ResultsDirectory } from '../../../../src/commands/cli/results-directory.js'
import type { PycdsError } from '../../../../src/errors/index.js'
import type { ImageOutcome } from '../../../../src/usecases/fleet/index.js'
import { inRepository } from '../../../helpers/repository.js'
import { RESULT } from '../../../helpers/results.js'
import { schemaErrors } from '../../../helpers/schemas.js'
import { temporary } from '../../../helpers/temporary.js'

const outcome = (name: string): ImageOutcome => ({
  ...{ name, state: 'baked', key: 'sha256:1', seconds: 1.5, result: RESULT, error: null },
})

test('what was written is read again, whatever the image is called', async (t) => {
  const path = join(temporary(t), 'new', 'results')
  const names = ['host:5000/team/app:1', 'host_5000/team/app:1', `long/${'x'.repeat(300)}:1`, '../up', 'ü']
  const directory = await ResultsDirectory.open(path)
  for (const name of names) await directory.write(outcome(name))
  const again = await ResultsDirectory.open(path)
  for (const name of names) t.deepEqual(await again.read(name), outcome(name))
  const files = readdirSync(path)
  t.is(files.length, names.length)
  for (const file of files) {
    t.deepEqual(schemaErrors('image-result', JSON.parse(readFileSync(join(path, file), 'utf8'))), [])
  }
  t.is(await again.read('another'), undefined)
})

test('a file that is no result is as good as none', async (t) => {
  const path = temporary(t)
  const directory = await ResultsDirectory.open(path)
  await directory.write(outcome('app:1'))
  const [file = ''] = readdirSync(path)
  const written = JSON.parse(readFileSync(join(path, file), 'utf8'))
  for (const text of [
    '',
    '{',
    '{}',
    '[]',
    JSON.stringify({ ...outcome('other'), schema: 'io.pycds.image-result/1' }),
    JSON.stringify({ ...written, result: {} }),
    JSON.stringify({ ...written, seconds: 'x' }),
    JSON.stringify({ ...written, name: 'other' }),
  ]) {
    writeFileSync(join(path, file), text)
    t.is(await directory.read('app:1'), undefined, text)
  }
})

test('what a process that was killed had half written is removed', async (t) => {
  const path = temporary(t)
  const owner = inRepository('build/src/util/staging.js')
  const script = `import { stagingPath } from ${JSON.stringify(owner)}
    import { writeFileSync } from 'node:fs'
    writeFileSync(stagingPath(${JSON.stringify(join(path, 'x.json'))}), '{')`
  t.is(spawnSync(process.execPath, ['--input-type=module', '-e', script]).status, 0)
  t.is(readdirSync(path).length, 1)
  await ResultsDirectory.open(path)
  t.deepEqual(readdirSync(path), [])
})

test('a place that cannot be a directory is refused', async (t) => {
  const path = join(temporary(t, { file: 'x' }), 'file')
  t.true(existsSync(path))
  symlinkSync('nowhere', join(path, '../dangling'))
  for (const place of [path, join(path, 'below'), join(path, '../dangling/below'), '/proc/below/it']) {
    const error = await t.throwsAsync(ResultsDirectory.open(place))
    t.is((error as unknown as PycdsError).code, 'USAGE', place)
  }
})
