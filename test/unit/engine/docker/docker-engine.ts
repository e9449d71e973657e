// SPDX-License-Identifier: Apache-2.0
// What cannot be provoked on a real engine: bad moments.
import test from 'ava'
import { DockerEngine, RUN_LABEL } from '../../../../src/engine/docker/index.js'
import { ImageNames } from '../../../../src/image/index.js'
import type { ContainerSpec } from '../../../../src/ports/index.js'
import { readTar } from '../../../../src/tar/index.js'
import { ownerMark } from '../../../../src/util/owner.js'
import { refuse, startFakeEngine } from '../../../helpers/fake-engine.js'
import { directory, file } from '../../../helpers/tar.js'

const SPEC: ContainerSpec = { image: 'app:1', command: ['python3'], env: {}, network: 'none', files: [] }

test('a container that is being made while all are removed is removed too', async (t) => {
  let answerCreate = () => {}
  let creating = () => {}
  const isCreating = new Promise<void>((resolve) => {
    creating = resolve
  })
  const { connection, calls } = await startFakeEngine(t, async ({ what }) => {
    if (what === 'POST /containers/create') {
      await new Promise<void>((resolve) => {
        answerCreate = resolve
        creating()
      })
      return { Id: 'c1' }
    }
    return what === 'GET /containers/json' ? [] : {}
  })
  const engine = new DockerEngine(connection)
  const made = engine.create(SPEC)
  const refused = t.throwsAsync(made, { code: 'INTERRUPTED' })
  await isCreating
  const removed = engine.removeAll()
  answerCreate()
  await Promise.all([removed, refused])
  t.is(calls.filter(({ what }) => what === 'DELETE /containers/c1').length, 1)
})

test('nothing is made any more after all were removed', async (t) => {
  const { connection, calls } = await startFakeEngine(t, () => [])
  const engine = new DockerEngine(connection)
  await engine.removeAll()
  await t.throwsAsync(engine.create(SPEC), { code: 'INTERRUPTED' })
  t.false(calls.some(({ what }) => what === 'POST /containers/create'))
})

test('a container whose making was not answered is found by its label', async (t) => {
  let label = ''
  const engineOfTest = await startFakeEngine(t, ({ what, body, query }) => {
    if (what === 'POST /containers/create') {
      label = JSON.parse(String(body)).Labels[RUN_LABEL]
      engineOfTest.kill()
      return undefined
    }
    if (what !== 'GET /containers/json') return {}
    if (label === '') return []
    t.deepEqual(JSON.parse(query.get('filters') ?? ''), { label: [`${RUN_LABEL}=${label}`] })
    return [{ Id: 'lost' }]
  })
  const engine = new DockerEngine(engineOfTest.connection)
  await t.throwsAsync(engine.create(SPEC), { code: 'ENGINE_UNREACHABLE' })
  await engine.removeAll()
  t.is(engineOfTest.calls.at(-1)?.what, 'DELETE /containers/lost')
  t.is(engineOfTest.calls.at(-1)?.query.get('v'), 'true')
})

test('a container that does not take its files is removed', async (t) => {
  const { connection, calls } = await startFakeEngine(t, ({ what }, response) => {
    if (what === 'PUT /containers/c1/archive') return refuse(response, 500, 'no space left on device')
    return { Id: 'c1' }
  })
  const spec = { ...SPEC, files: [file('x', 'y')] }
  await t.throwsAsync(new DockerEngine(connection).create(spec), { code: 'NO_SPACE' })
  t.is(calls.at(-1)?.what, 'DELETE /containers/c1')
})

test('a failure tells what the image was asked for as', async (t) => {
  const { connection } = await startFakeEngine(t, (_, response) => refuse(response, 500, 'no'))
  const id = `sha256:${'7'.repeat(64)}`
  const names = new ImageNames()
  const create = () => new DockerEngine(connection, names).create({ ...SPEC, image: id })
  t.true((await t.throwsAsync(create))?.message.includes(id))
  names.add(id, 'app:1')
  t.regex((await t.throwsAsync(create))?.message ?? '', /^image app:1 \(7{12}\): /)
})

test('files in one directory go into a volume over a read-only root', async (t) => {
  const { connection, calls } = await startFakeEngine(t, () => ({ Id: 'c1' }))
  const files = [directory('place', { mode: 0o700 }), file('place/x', 'y')]
  await new DockerEngine(connection).create({ ...SPEC, readOnly: true, files })
  const body = (what: string) => calls.find((call) => call.what === what)?.body ?? Buffer.alloc(0)
  t.like(JSON.parse(body('POST /containers/create').toString()), {
    HostConfig: { ReadonlyRootfs: true, Mounts: [{ Type: 'volume', Target: '/place' }] },
  })
  const names: string[] = []
  await readTar(body('PUT /containers/c1/archive'), ({ name }) => void names.push(name))
  t.deepEqual(names, ['x'])
  t.is(calls.find(({ what }) => what.startsWith('PUT'))?.query.get('path'), '/place')
})

test('files in several places do not go into a read-only root', async (t) => {
  const { connection } = await startFakeEngine(t, () => ({}))
  const spec = { ...SPEC, readOnly: true, files: [file('x', 'y')] }
  await t.throwsAsync(new DockerEngine(connection).create(spec), { code: 'INTERNAL' })
})

for (const status of [404, 409]) {
  test(`an answer of ${status} to a removal means that it is taken care of`, async (t) => {
    const { connection } = await startFakeEngine(t, ({ what }, response) =>
      what.startsWith('DELETE') ? refuse(response, status, 'x') : { Id: 'c1' },
    )
    const engine = new DockerEngine(connection)
    const container = await engine.create(SPEC)
    await t.notThrowsAsync(engine.remove(container))
  })
}

test('what cannot be removed is said, after everything was tried', async (t) => {
  let made = 0
  const { connection, calls } = await startFakeEngine(t, ({ what }, response) => {
    if (what === 'DELETE /containers/c1') return refuse(response, 500, 'device busy')
    if (what === 'GET /containers/json') return []
    made += 1
    return { Id: `c${made}` }
  })
  const engine = new DockerEngine(connection)
  await engine.create(SPEC)
  await engine.create(SPEC)
  await t.throwsAsync(engine.removeAll(), { code: 'ENGINE_FAILED', message: /device busy/ })
  t.true(calls.some(({ what }) => what === 'DELETE /containers/c2'))
})

test('an engine that dies during a run ends the waiting', async (t) => {
  const fake = await startFakeEngine(t, ({ what }, response) => {
    if (what === 'POST /containers/c1/wait') {
      response.write(' ', () => fake.kill())
      return undefined
    }
    return { Id: 'c1' }
  })
  const container = await new DockerEngine(fake.connection).create(SPEC)
  await container.start()
  await t.throwsAsync(container.wait(), { code: 'ENGINE_UNREACHABLE' })
  t.is(container.wait(), container.wait())
})

test('who waits for a container that did not start gets the reason', async (t) => {
  const { connection } = await startFakeEngine(t, ({ what }, response) =>
    what === 'POST /containers/c1/start' ? refuse(response, 500, 'device busy') : { Id: 'c1' },
  )
  const container = await new DockerEngine(connection).create(SPEC)
  const waiting = t.throwsAsync(container.wait(), { code: 'ENGINE_FAILED' })
  await t.throwsAsync(container.start(), { code: 'ENGINE_FAILED' })
  await waiting
})

test('Podman is known by its components', async (t) => {
  const { connection } = await startFakeEngine(t, ({ what }) =>
    what === 'GET /version'
      ? {
          Version: '5.0',
          ApiVersion: '1.41',
          Os: 'linux',
          Arch: 'amd64',
          Components: [{ Name: 'Podman Engine' }],
        }
      : {},
  )
  t.like(await new DockerEngine(connection).describe(), { name: 'Podman', storageDriver: 'unknown' })
})

test('what a killed run has left is removed by the next one, and nothing of one that still works', async (t) => {
  const mine = ownerMark()
  // This process, as if it had been started at another time.
  const dead = mine.replace(/-\d+-(?=[0-9a-f]{8}$)/, '-1-')
  const { connection, calls } = await startFakeEngine(t, ({ what }) => {
    if (what !== 'GET /containers/json') return { Id: 'c1' }
    return [dead, mine, 'x'].map((owner) => ({ Id: `of-${owner}`, Labels: { 'io.pycds.owner': owner } }))
  })
  const engine = new DockerEngine(connection)
  await engine.create(SPEC)
  await engine.create(SPEC)
  t.deepEqual(
    calls.filter(({ what }) => what.startsWith('DELETE')).map(({ what }) => what),
    [`DELETE /containers/of-${dead}`],
  )
})

test('a container that ends between the two calls of an exec is a result', async (t) => {
  const { connection } = await startFakeEngine(t, ({ what }, response) => {
    if (what === 'POST /containers/create') return { Id: 'c1' }
    if (what === 'POST /containers/c1/exec') return { Id: 'e1' }
    if (what !== 'POST /exec/e1/start') return {}
    return refuse(response, 500, 'Container c1 is not running: Exited (137) Less than a second ago')
  })
  const container = await new DockerEngine(connection).create(SPEC)
  const { exitCode, output } = await container.exec({ command: ['true'], timeoutMs: 1000 })
  t.is(exitCode, null)
  t.is(output, 'the container has ended')
})

test('a path that an engine refuses to describe while its container ends is described after that', async (t) => {
  let asked = 0
  const stat = Buffer.from(JSON.stringify({ size: 7, mtime: '2024-05-01T12:00:00Z', mode: 0o644 }))
  const { connection } = await startFakeEngine(t, ({ what }, response) => {
    if (what === 'POST /containers/create') return { Id: 'c1' }
    if (what === 'GET /containers/c1/archive') return { some: 'content' }
    if (what !== 'HEAD /containers/c1/archive') return {}
    asked += 1
    if (asked < 3) return refuse(response, 500, 'the container is stopping')
    response.setHeader('X-Docker-Container-Path-Stat', stat.toString('base64'))
    return {}
  })
  const container = await new DockerEngine(connection).create(SPEC)
  t.like(await container.stat('/file'), { size: 7 })
})
