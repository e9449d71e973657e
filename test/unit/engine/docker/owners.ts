// SPDX-License-Identifier: Apache-2.0
import test from 'ava'
import { DockerEngine } from '../../../../src/engine/docker/index.js'
import { packTar } from '../../../../src/tar/index.js'
import { startFakeEngine } from '../../../helpers/fake-engine.js'
import { directory } from '../../../helpers/tar.js'

const SPEC = { image: 'app:1', command: ['-'], env: {}, network: 'none', files: [] } as const

for (const [engine, component, expected] of [
  ['Podman', 'Podman Engine', { uid: 5, gid: 6 }],
  ['Docker', 'Engine', { uid: 10001, gid: 10001 }],
] as const) {
  test(`${engine}: a directory belongs to whom it belongs in the container`, async (t) => {
    const copied = await packTar([directory('app', { uid: 10001, gid: 10001 })])
    const exported = await packTar([directory('srv'), directory('srv/app', { uid: 5, gid: 6 })])
    const { connection, calls } = await startFakeEngine(t, ({ what }, response) => {
      if (what === 'GET /version') return { Components: [{ Name: component }] }
      if (!/archive$|export$/.test(what)) return { Id: 'c1' }
      response.end(what.endsWith('export') ? exported : copied)
      return undefined
    })
    const container = await new DockerEngine(connection).create(SPEC)
    t.like(await container.lstat('/srv/app'), { type: 'directory', ...expected })
    await container.lstat('/srv/app')
    // All of a container is read once at most, and it is asked once what the engine is.
    t.is(calls.filter(({ what }) => what === 'GET /version').length, 1)
    const exports = calls.filter(({ what }) => what.endsWith('export')).length
    t.is(exports, engine === 'Podman' ? 1 : 0)
  })
}
