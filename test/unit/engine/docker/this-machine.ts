// SPDX-License-Identifier: Apache-2.0
import { hostname, release } from 'node:os'
import test from 'ava'
import { DockerEngine } from '../../../../src/engine/docker/index.js'
import { isThisMachine } from '../../../../src/engine/docker/this-machine.js'
import { startFakeEngine } from '../../../helpers/fake-engine.js'

const HERE = { kernel: '6.8.0-45-generic', name: 'laptop' }
const SOCKET = 'unix:///var/run/docker.sock'

const judges = test.macro((t, address: string, kernel: string, name: string, expected: boolean) => {
  t.is(isThisMachine(address, { KernelVersion: kernel, Name: name }, HERE), expected)
})

test(
  'a socket, the same kernel and the same name are this machine',
  judges,
  SOCKET,
  HERE.kernel,
  HERE.name,
  true,
)
test('the socket of Docker Desktop is not', judges, SOCKET, '6.10.14-linuxkit', 'docker-desktop', false)
test('nor is a virtual machine of the same name', judges, SOCKET, '6.10.14-linuxkit', HERE.name, false)
test('nor is a forwarded socket, whatever the kernel', judges, SOCKET, HERE.kernel, 'server', false)
test('nor is an address of the network', judges, 'tcp://127.0.0.1:2375', HERE.kernel, HERE.name, false)
test('an engine that does not tell is not taken for it', (t) => t.false(isThisMachine(SOCKET, {}, HERE)))

test('an engine is described with whether it is local', async (t) => {
  for (const [info, local] of [
    [{ KernelVersion: release(), Name: hostname() }, true],
    [{ KernelVersion: '6.10.14-linuxkit', Name: 'docker-desktop' }, false],
  ] as const) {
    const { connection } = await startFakeEngine(t, ({ what }) => (what === 'GET /info' ? info : {}))
    t.is((await new DockerEngine(connection).describe()).local, local)
  }
})
