// SPDX-License-Identifier: Apache-2.0
import test from 'ava'
import { EngineReply, engineError } from '../../../../src/docker/failure.js'
import { surroundingsError } from '../../../../src/engine/docker/surroundings-error.js'

const GIVEN = {
  network: 'ci',
  mounts: [
    { source: '/data', target: '/d', readOnly: true },
    { source: '/data/x', target: '/x', readOnly: false },
  ],
}

const tells = test.macro((t, text: string, message: string | undefined, network?: string) => {
  const failure = engineError(new EngineReply(400, text), 'container of app:1', 'unix:///x')
  const error = surroundingsError(failure, { ...GIVEN, network: network ?? 'ci' })
  t.is(error?.message, message)
  if (error !== undefined) t.is(error.code, 'USAGE')
})

test(
  'a path that the machine of the engine does not have',
  tells,
  'invalid mount config for type "bind": bind source path does not exist: /data/x',
  '--mount /data/x:/x: there is no /data/x on the machine of the engine',
)
test(
  'the same in the words of Podman',
  tells,
  'statfs /data: no such file or directory',
  '--mount /data:/d: there is no /data on the machine of the engine',
)
const NO_NETWORK = '--network ci: the engine has no network of that name'
test('a network that is not there', tells, 'network ci not found', NO_NETWORK)
test(
  'the same where networking is set up',
  tells,
  'failed to set up container networking: network ci not found',
  NO_NETWORK,
)
test(
  'a network that Podman has not',
  tells,
  'unable to find network with name or ID ci: network not found',
  NO_NETWORK,
)
test(
  'a container whose network was to be shared',
  tells,
  'No such container: db',
  '--network container:db: the engine has no container of that name',
  'container:db',
)
test('a path that nobody has given', tells, 'statfs /datas: no such file or directory', undefined)
test('another container', tells, 'No such container: 3e9f26309009', undefined, 'container:db')
test('a program that is missing', tells, 'exec: "/data": executable file not found in $PATH', undefined)
test('another network', tells, 'network bridge not configured', undefined)

test('what is no answer of an engine says nothing of it', (t) => {
  t.is(surroundingsError(new Error('network ci not found'), GIVEN), undefined)
})
