// SPDX-License-Identifier: Apache-2.0
import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { choosePython } from '../../../conformance/pythons.js'
import { unless } from '../../helpers/skipped.js'
import { temporary } from '../../helpers/temporary.js'

const SYSTEM = '/usr/bin/python3'
const lack = existsSync(SYSTEM) ? undefined : `no ${SYSTEM} on this machine`
const withPython = unless(lack, (title: string, run: (t: ExecutionContext) => Promise<void>) =>
  test.serial(title, run),
)

withPython('a customization of an interpreter that prints gives it no further site directory', async (t) => {
  const place = temporary(t)
  t.is(spawnSync(SYSTEM, ['-m', 'venv', '--without-pip', place]).status, 0)
  const [version = ''] = readdirSync(join(place, 'lib'))
  const site = join(place, 'lib', version, 'site-packages')
  writeFileSync(
    join(site, 'sitecustomize.py'),
    'import atexit\nprint("hello", end="")\natexit.register(print, "/usr/lib")\n',
  )
  const { env } = process
  t.teardown(() => {
    process.env = env
  })
  process.env = { ...env, PYCDS_TEST_PYTHONS: join(place, 'bin/python3') }
  const python = await choosePython(version.replace('python', ''))
  t.is(python.path, join(place, 'bin/python3'))
  t.deepEqual(python.siteDirectories, [site])
})
