// SPDX-License-Identifier: Apache-2.0
import test from 'ava'
import { findPython } from '../../../src/learn/find-python.js'
import { fakeContainer } from '../../helpers/fake-container.js'

/** An image of these executable files, with their first lines. */
function find(files: Record<string, string>, command: string[], path = '/usr/local/bin:/usr/bin') {
  const container = fakeContainer(undefined, {
    stat: async (name) => (name in files ? { size: 10, mtime: '', mode: 0o100755 } : undefined),
    readFile: async (name) => (name in files ? Buffer.from(files[name] ?? '') : undefined),
  })
  return findPython('app', container, { command, path, directory: '/srv' })
}

const PYTHONS = { '/usr/bin/python3': '\x7fELF', '/venv/bin/python': '\x7fELF' }

test('the python of the command is used, with the first entry that it has', async (t) => {
  t.deepEqual(await find(PYTHONS, ['/venv/bin/python', '-m', 'app']), {
    executable: '/venv/bin/python',
    entry: '/srv',
  })
  t.deepEqual(await find(PYTHONS, ['tini', '--', 'python3', '-u', 'bin/app.py']), {
    executable: '/usr/bin/python3',
    entry: '/srv/bin',
  })
})

test('a script of the command names its python', async (t) => {
  const files = { ...PYTHONS, '/usr/bin/gunicorn': '#!/venv/bin/python\nimport sys' }
  t.is((await find(files, ['gunicorn', 'app:app'])).executable, '/venv/bin/python')
  const env = { ...PYTHONS, '/srv/run': '#!/usr/bin/env -S python3 -u\n' }
  t.is((await find(env, ['./run'])).executable, '/usr/bin/python3')
})

test('else the one of PATH, also behind a shell script', async (t) => {
  const files = { ...PYTHONS, '/srv/entrypoint.sh': '#!/bin/sh\n' }
  t.deepEqual(await find(files, ['./entrypoint.sh']), { executable: '/usr/bin/python3', entry: '/srv' })
})

test('an image without one is told so', async (t) => {
  await t.throwsAsync(find({}, ['python3']), { code: 'NO_PYTHON' })
})
