// SPDX-License-Identifier: Apache-2.0
// Where the two sides lie.
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { Stage } from '../../../conformance/stage.js'
import { unless } from '../../helpers/skipped.js'
import { temporary } from '../../helpers/temporary.js'

/** As many a machine has its temporary directory. */
const MEMORY = '/dev/shm'
const lack = existsSync(MEMORY) ? undefined : `no ${MEMORY} on this machine`
const withMemory = unless(lack, (title: string, run: (t: ExecutionContext) => Promise<void>) =>
  test.serial(title, run),
)

withMemory('packages may lie in another file system than the temporary directory', async (t) => {
  const packages = temporary(t, { 'attrs/a.py': 'A = 1\n' })
  const place = mkdtempSync(join(MEMORY, 'pycds-test-'))
  const { TMPDIR } = process.env
  process.env.TMPDIR = place
  t.teardown(() => {
    rmSync(place, { recursive: true })
    if (TMPDIR === undefined) delete process.env.TMPDIR
    else process.env.TMPDIR = TMPDIR
  })
  const python = { path: '/nonexistent', version: '3.13.0', minor: 13, shared: false, siteDirectories: [] }
  const stage = await Stage.open({ python, packages, runtime: Buffer.from(''), witness: '' })
  t.teardown(() => stage.close())
  for (const side of ['plain', 'archive']) {
    const copy = join(stage.directory, `site-${side}`, 'attrs/a.py')
    t.is(readFileSync(copy, 'utf8'), 'A = 1\n')
    t.is(statSync(copy).mtimeMs, statSync(join(packages, 'attrs/a.py')).mtimeMs)
  }
})
