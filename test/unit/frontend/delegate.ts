// SPDX-License-Identifier: Apache-2.0
import test from 'ava'
import { cacheImports, delegation, ignoresCache } from '../../../src/frontend/delegate.js'

const options = (values: Record<string, string>) => new Map(Object.entries(values))

test('the built-in frontend gets every option but the name of ours', (t) => {
  const { frontend, frontendOpt } = delegation(
    options({
      source: 'pycds/frontend',
      cmdline: 'pycds/frontend',
      'build-arg:A': '1',
      platform: 'linux/amd64',
    }),
    'web',
  )
  t.is(frontend, 'dockerfile.v0')
  t.deepEqual(frontendOpt, {
    cmdline: 'pycds/frontend',
    'build-arg:A': '1',
    platform: 'linux/amd64',
    target: 'web',
  })
})

test('it is always told a command line: else it would follow the first line of the Dockerfile to us again', (t) => {
  t.is(delegation(options({ source: 'reg/pycds' }), '').frontendOpt.cmdline, 'reg/pycds')
})

test('a second word names the frontend that reads the Dockerfile, and the rest is for it', (t) => {
  const { frontend, frontendOpt } = delegation(
    options({ source: 'pycds/frontend', cmdline: ' pycds/frontend  docker/dockerfile:1  x' }),
    '',
  )
  t.is(frontend, 'gateway.v0')
  t.deepEqual(frontendOpt, { source: 'docker/dockerfile:1', cmdline: 'docker/dockerfile:1 x' })
})

test('a target of ours is not passed on', (t) => {
  t.false('target' in delegation(options({ target: 'pycds-debug-plan' }), '').frontendOpt)
})

test('places of results are found in the old and in the new form', (t) => {
  t.deepEqual(
    cacheImports(
      options({
        'cache-from': 'reg/a,reg/b',
        'cache-imports': '[{"Type":"local","Attrs":{"src":"/c","n":1}},{"Type":3},null]',
      }),
    ),
    [
      { type: 'registry', attrs: { ref: 'reg/a' } },
      { type: 'registry', attrs: { ref: 'reg/b' } },
      { type: 'local', attrs: { src: '/c' } },
    ],
  )
  t.deepEqual(cacheImports(options({ 'cache-imports': '{"not":"a list"}' })), [])
  t.deepEqual(cacheImports(options({ 'cache-imports': 'no JSON' })), [])
})

test('--no-cache is for every stage, --no-cache-filter only for those of the Dockerfile', (t) => {
  t.true(ignoresCache(options({ 'no-cache': '' })))
  t.false(ignoresCache(options({ 'no-cache': 'web' })))
  t.false(ignoresCache(options({})))
})
