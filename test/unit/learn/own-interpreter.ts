// SPDX-License-Identifier: Apache-2.0
import test, { type ExecutionContext } from 'ava'
import { warnOfOwnInterpreter } from '../../../src/learn/own-interpreter.js'

const warns = test.macro((t: ExecutionContext, command: string[], server: string | undefined) => {
  const [warning, ...others] = warnOfOwnInterpreter(command, '/usr/bin/python3.11')
  t.deepEqual(others, [])
  if (server === undefined) t.is(warning, undefined)
  else t.true(warning?.includes(`for /usr/bin/python3.11; if ${server} loads`), warning)
})

test('uWSGI with its plugin', warns, ['uwsgi', '--plugin', 'python3', '--wsgi', 'app:app'], 'uwsgi')
test('uWSGI of a distribution', warns, ['/usr/bin/uwsgi-core', '--ini', 'x'], '/usr/bin/uwsgi-core')
test('Apache behind a shell', warns, ['sh', '-c', 'exec apache2ctl -D FOREGROUND'], 'apache2ctl')
test('Apache of an official image', warns, ['httpd-foreground'], 'httpd-foreground')
test('a server that is a Python program', warns, ['gunicorn', 'app:app'], undefined)
test('a Python', warns, ['python3', '-m', 'uwsgitop'], undefined)
