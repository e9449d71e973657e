// SPDX-License-Identifier: Apache-2.0
import test from 'ava'
import { RUN_LABEL, toCreateBody } from '../../../../src/engine/docker/create-body.js'
import type { ContainerSpec } from '../../../../src/ports/index.js'

const SPEC: ContainerSpec = { image: 'app:1', env: {}, network: 'none', files: [] }

test('what is not asked for stays as the image has it', (t) => {
  const body = toCreateBody(SPEC, 'run')
  for (const field of ['Entrypoint', 'Cmd', 'User', 'WorkingDir', 'ExposedPorts', 'StopSignal']) {
    t.false(field in body, field)
  }
})

test('a run is watched, not disturbed', (t) => {
  t.like(toCreateBody(SPEC, 'run'), {
    Tty: false,
    Healthcheck: { Test: ['NONE'] },
    Labels: { [RUN_LABEL]: 'run' },
    HostConfig: { NetworkMode: 'none', LogConfig: { Type: 'none' } },
  })
  t.notRegex(JSON.stringify(toCreateBody(SPEC, 'run')), /Binds|Mounts|PortBindings|AutoRemove|CapDrop/)
})

test('a command replaces entrypoint and arguments', (t) => {
  t.like(toCreateBody({ ...SPEC, command: ['python3', '-m', 'app'] }, 'run'), {
    Entrypoint: ['python3'],
    Cmd: ['-m', 'app'],
  })
  t.false('Entrypoint' in toCreateBody({ ...SPEC, command: [] }, 'run'))
})

test('variables are set and taken away; setting wins', (t) => {
  const body = toCreateBody({ ...SPEC, env: { A: '1=2', B: '' }, unsetEnv: ['A', 'C'] }, 'run')
  t.like(body, { Env: ['A=1=2', 'B=', 'C'] })
})

test('a run can be confined', (t) => {
  const spec: ContainerSpec = {
    ...SPEC,
    network: 'default',
    user: '12345',
    readOnly: true,
    dropCapabilities: true,
  }
  t.like(toCreateBody(spec, 'run'), {
    User: '12345',
    HostConfig: { NetworkMode: 'default', ReadonlyRootfs: true, CapDrop: ['ALL'] },
  })
})

test('the label of the run cannot be taken', (t) => {
  t.like(toCreateBody({ ...SPEC, labels: { [RUN_LABEL]: 'other', x: 'y' } }, 'run'), {
    Labels: { [RUN_LABEL]: 'run', x: 'y' },
  })
})

test('without a network a container has an address for its own name, as with one', (t) => {
  const { Hostname, HostConfig } = toCreateBody({ ...SPEC, hosts: ['db:10.0.0.1'] }, 'run') as {
    Hostname: string
    HostConfig: { ExtraHosts: string[] }
  }
  t.regex(Hostname, /^[0-9a-f]{12}$/)
  t.deepEqual(HostConfig.ExtraHosts, ['db:10.0.0.1', `${Hostname}:127.0.0.1`])
  const connected = JSON.stringify(toCreateBody({ ...SPEC, network: 'default' }, 'run'))
  t.notRegex(connected, /Hostname|ExtraHosts/)
})
