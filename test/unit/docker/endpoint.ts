// SPDX-License-Identifier: Apache-2.0
import test from 'ava'
import { resolveEndpoint } from '../../../src/docker/endpoint.js'

const DEFAULT = { address: 'unix:///var/run/docker.sock', socketPath: '/var/run/docker.sock' }

/** A machine without any engine. */
const NOTHING = { isUsableSocket: () => false, readText: () => undefined }

const resolves = test.macro((t, host: string | undefined, expected: object) => {
  const env = host === undefined ? {} : { DOCKER_HOST: host }
  t.deepEqual(resolveEndpoint(env, NOTHING) as object, expected)
})
test('without a setting, the default socket', resolves, undefined, DEFAULT)
test('an empty setting is none', resolves, '', DEFAULT)
test('a socket', resolves, 'unix:///run/user/1/x.sock', {
  address: 'unix:///run/user/1/x.sock',
  socketPath: '/run/user/1/x.sock',
})
test('a socket without a path', resolves, 'unix://', DEFAULT)
test('a host with a port', resolves, 'tcp://engine:4000', {
  address: 'tcp://engine:4000',
  host: 'engine',
  port: 4000,
})
test('a host without a port', resolves, 'tcp://engine', {
  address: 'tcp://engine:2375',
  host: 'engine',
  port: 2375,
})
test('an IPv6 address', resolves, 'tcp://[::1]:1', { address: 'tcp://[::1]:1', host: '::1', port: 1 })

for (const host of ['ssh://u@h', 'ftp://h', 'tcp://', 'no address', 'npipe:////./pipe/x']) {
  test(`${host} cannot be used`, (t) => {
    t.throws(() => resolveEndpoint({ DOCKER_HOST: host }), { code: 'USAGE' })
  })
}

test('TLS without its files is a usage error, not a plain connection', (t) => {
  const env = { DOCKER_HOST: 'tcp://engine', DOCKER_TLS_VERIFY: '1', DOCKER_CERT_PATH: '/nonexistent' }
  t.throws(() => resolveEndpoint(env), { code: 'USAGE' })
  t.throws(() => resolveEndpoint({ DOCKER_HOST: 'tcp://engine:2376', HOME: '/nonexistent' }), {
    code: 'USAGE',
  })
})

test('neither error nor address repeats a password', (t) => {
  const error = t.throws(() => resolveEndpoint({ DOCKER_HOST: 'ftp://user:secret@h' }))
  t.notRegex(`${error?.message}`, /secret/)
  t.is(resolveEndpoint({ DOCKER_HOST: 'tcp://user:secret@h:1' }).address, 'tcp://h:1')
})
