// SPDX-License-Identifier: Apache-2.0
import test from 'ava'
import type { PycdsError } from '../../../src/errors/index.js'
import { readStepOptions } from '../../../src/frontend/options.js'

function read(args: Record<string, string>) {
  return readStepOptions(new Map(Object.entries(args)))
}

test('without arguments an image that cannot be baked stays as it is', (t) => {
  t.deepEqual(read({}), {
    ...{ enabled: true, onFailure: 'plain', command: undefined, flags: [] },
    ...{ train: 'entrypoint', minArchived: undefined },
  })
})

test('arguments become options of the step, lists one for each entry', (t) => {
  t.deepEqual(
    read({
      PYCDS_READY: 'health; log:/a b; c/',
      PYCDS_IMPORT: 'app.main, app.admin  app.jobs',
      PYCDS_TIMEOUT: '60s',
    }).flags,
    [
      '--ready=health',
      '--ready=log:/a b',
      '--ready=c/',
      '--import=app.main',
      '--import=app.admin',
      '--import=app.jobs',
      '--timeout=60s',
    ],
  )
})

test('modules are imported instead of starting the command', (t) => {
  t.is(read({ PYCDS_IMPORT: 'app' }).train, 'imports')
  t.is(read({ PYCDS_IMPORT: 'app', PYCDS_TRAIN: 'imports' }).train, 'imports')
})

test('where containers learn, nothing is run, and nothing that belongs to a run is taken', (t) => {
  const { train, flags } = read({ PYCDS_TRAIN: 'learn', PYCDS_ON_FAILURE: 'fail', PYCDS_READY: '' })
  t.deepEqual([train, flags], ['learn', ['--train=learn']])
  for (const name of ['PYCDS_IMPORT', 'PYCDS_COMMAND', 'PYCDS_READY', 'PYCDS_SNAPSHOT', 'PYCDS_MIN_ARCHIVED'])
    t.throws(() => read({ PYCDS_TRAIN: 'learn', [name]: '1' }), { message: new RegExp(name) }, name)
  t.is(read({ PYCDS_TRAIN: 'learn', PYCDS_SNAPSHOT: '0' }).train, 'learn')
})

test('a limit is a percentage', (t) => {
  t.is(read({ PYCDS_MIN_ARCHIVED: '97.5%' }).minArchived, 97.5)
})

test('an empty value takes an option back', (t) => {
  const taken = [
    'PYCDS_ENABLED',
    'PYCDS_ON_FAILURE',
    'PYCDS_TRAIN',
    'PYCDS_READY',
    'PYCDS_COMMAND',
    'PYCDS_SNAPSHOT',
  ]
  for (const name of taken) t.deepEqual(read({ [name]: '' }), read({}), name)
})

test('a command is a JSON list, or text for the shell', (t) => {
  t.deepEqual(read({ PYCDS_COMMAND: '["python", "-m", "app"]' }).command, ['python', '-m', 'app'])
  t.deepEqual(read({ PYCDS_COMMAND: 'python -m app' }).command, ['/bin/sh', '-c', 'python -m app'])
})

const refuses = test.macro((t, name: string, value: string) => {
  const error = t.throws<PycdsError>(() => read({ [name]: value }))
  t.is(error?.code, 'USAGE')
  t.true(error?.message.includes(name))
})

test('an unknown option is refused: it may be a slip', refuses, 'PYCDS_REDY', 'health')
test('a way to fail that there is not is refused', refuses, 'PYCDS_ON_FAILURE', 'ignore')
test('a list that is none is refused', refuses, 'PYCDS_COMMAND', '["python", 1]')
test('modules do not go with the command', refuses, 'PYCDS_TRAIN', 'imports')
test('more than everything is refused', refuses, 'PYCDS_MIN_ARCHIVED', '101')
test('a limit that is no number is refused', refuses, 'PYCDS_MIN_ARCHIVED', 'most')
test('JSON that ends early is refused', refuses, 'PYCDS_COMMAND', '["python"')

test('a snapshot is asked for by a switch', (t) => {
  t.deepEqual(read({ PYCDS_SNAPSHOT: '1' }).flags, ['--snapshot'])
  for (const value of ['0', '']) t.deepEqual(read({ PYCDS_SNAPSHOT: value }).flags, [])
  t.throws(() => read({ PYCDS_SNAPSHOT: 'off' }), { message: /PYCDS_SNAPSHOT/ })
})
