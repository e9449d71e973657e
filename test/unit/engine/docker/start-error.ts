// SPDX-License-Identifier: Apache-2.0
import test from 'ava'
import { EngineReply, engineError } from '../../../../src/docker/failure.js'
import { startError } from '../../../../src/engine/docker/start-error.js'

const NOT_FOUND =
  'OCI runtime create failed: runc create failed: exec: "x": executable file not found in $PATH: unknown'

const maps = test.macro((t, text: string, program: string | undefined, code: string) => {
  const failure = engineError(new EngineReply(400, text), 'container', 'unix:///x')
  t.is((startError(failure, 'container of app:1', program) as { code?: string }).code, code)
})
test('a program that is missing', maps, NOT_FOUND, 'serve', 'TRAINING_FAILED')
test('a python that is missing', maps, NOT_FOUND, '/usr/local/bin/python3.12', 'NO_PYTHON')
test('a python by its bare name', maps, NOT_FOUND, 'python', 'NO_PYTHON')
test('an image without a command', maps, 'No command specified', undefined, 'TRAINING_FAILED')
test(
  'a user that is missing',
  maps,
  'unable to find user x: no matching entries in passwd file',
  'python3',
  'TRAINING_FAILED',
)
test(
  'a python that may not be executed',
  maps,
  'exec: "/x/python": permission denied',
  '/x/python',
  'TRAINING_FAILED',
)
test('a full disk stays one', maps, 'OCI runtime create failed: no space left on device', 'x', 'NO_SPACE')
test('an engine that is broken stays so', maps, 'network bridge not configured', 'x', 'ENGINE_FAILED')

test('an engine that is gone stays so', (t) => {
  const failure = engineError(Object.assign(new Error('x'), { code: 'ECONNRESET' }), 'container', 'unix:///x')
  t.is(startError(failure, 'c', 'python'), failure)
})
