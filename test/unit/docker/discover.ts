// SPDX-License-Identifier: Apache-2.0
import { createHash } from 'node:crypto'
import test from 'ava'
import { discover } from '../../../src/docker/discover.js'

const machine = (sockets: string[], files: Record<string, string> = {}) => ({
  isUsableSocket: (path: string) => sockets.includes(path),
  readText: (path: string) => files[path],
})
const USER = { HOME: '/home/u', XDG_RUNTIME_DIR: '/run/user/7' }
const PODMAN = '/run/user/7/podman/podman.sock'
const id = createHash('sha256').update('remote').digest('hex')
const meta = JSON.stringify({ Name: 'remote', Endpoints: { docker: { Host: 'tcp://build:2376' } } })

test('without an engine it is the socket of Docker, which the message then names', (t) => {
  t.deepEqual(discover(USER, machine([])), { host: 'unix:///var/run/docker.sock' })
})

test("a socket that this user may use comes before the system's that it may not", (t) => {
  t.deepEqual(discover(USER, machine([PODMAN])), { host: `unix://${PODMAN}` })
  t.deepEqual(discover({}, machine(['/run/podman/podman.sock'])), { host: 'unix:///run/podman/podman.sock' })
})

test('Docker comes before Podman', (t) => {
  const sockets = ['/var/run/docker.sock', PODMAN]
  t.deepEqual(discover(USER, machine(sockets)), { host: 'unix:///var/run/docker.sock' })
})

test("the current context of Docker's client comes before any socket", (t) => {
  const files = {
    '/home/u/.docker/config.json': '{"currentContext": "remote"}',
    [`/home/u/.docker/contexts/meta/${id}/meta.json`]: meta,
  }
  t.deepEqual(discover(USER, machine([PODMAN], files)), {
    host: 'tcp://build:2376',
    certificates: `/home/u/.docker/contexts/tls/${id}/docker`,
  })
  const env = { ...USER, DOCKER_CONTEXT: 'default' }
  t.deepEqual(discover(env, machine([PODMAN], files)), { host: `unix://${PODMAN}` })
})

test('DOCKER_CONTEXT and DOCKER_CONFIG are read as the client reads them; an unknown context is told', (t) => {
  const files = { [`/etc/d/contexts/meta/${id}/meta.json`]: meta }
  const env = { DOCKER_CONFIG: '/etc/d', DOCKER_CONTEXT: 'remote' }
  t.is(discover(env, machine([], files)).host, 'tcp://build:2376')
  t.throws(() => discover({ ...env, DOCKER_CONTEXT: 'other' }, machine([], files)), {
    code: 'USAGE',
    message: /context other/,
  })
})

test("Podman's own variable counts, and damaged settings of Docker's client count as none", (t) => {
  const files = { '/home/u/.docker/config.json': '{' }
  t.deepEqual(discover({ ...USER, CONTAINER_HOST: 'unix:///x.sock' }, machine([], files)), {
    host: 'unix:///x.sock',
  })
})
