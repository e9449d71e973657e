// SPDX-License-Identifier: Apache-2.0
// How the store deals with engines other than the one that the integration tests run on.
import test from 'ava'
import type { PycdsError } from '../../../../src/errors/index.js'
import { appendLayer, type ImageConfig, sha256DiffId, sha256Digest } from '../../../../src/image/index.js'
import type { NewLayer, SourceImage } from '../../../../src/ports/index.js'
import { DockerImageStore } from '../../../../src/store/docker-daemon/index.js'
import { packTar, readTar } from '../../../../src/tar/index.js'
import { ownerMark } from '../../../../src/util/owner.js'
import { type Answer, refuse, startFakeEngine } from '../../../helpers/fake-engine.js'
import { sampleConfig } from '../../../helpers/image.js'
import { file } from '../../../helpers/tar.js'

const MANIFEST_ID = `sha256:${'e'.repeat(64)}`

async function setUp() {
  const tar = await packTar([file('opt/x', 'x')])
  const layer: NewLayer = { tar, diffId: sha256DiffId(tar) }
  const base = sampleConfig()
  const record = { diffId: layer.diffId, createdBy: 'test', comment: '', created: '2024-05-01T12:00:00Z' }
  const config = appendLayer(base, record, { env: {}, labels: {} })
  const diffIds = base.rootfs.diff_ids
  const image: SourceImage = {
    ...{ reference: 'app:1', id: `sha256:${'f'.repeat(64)}`, config: base },
    ...{ os: 'linux', architecture: 'amd64', layers: diffIds.length, diffIds },
  }
  const configId = sha256Digest(Buffer.from(JSON.stringify(config)))
  return { image, config, layer, configId }
}

function inspection(id: string, config: ImageConfig, tags: string[] = []): object {
  return {
    Id: id,
    Os: 'linux',
    Architecture: 'amd64',
    RepoTags: tags,
    RootFS: { Layers: config.rootfs.diff_ids },
  }
}

async function members(tar: Buffer): Promise<Map<string, string>> {
  const found = new Map<string, string>()
  await readTar(tar, async (entry, body) => {
    found.set(entry.name, (await body()).toString())
  })
  return found
}

for (const [text, hint] of [
  ['docs/schemas', /^Name an image of the engine, or an OCI layout as oci:DIR/],
  ['package.json', /^Write docker-archive:package\.json /],
  ['no-such-image', /pull it first/],
] as const) {
  test(`${text} is no image: what it is instead is told`, async (t) => {
    const { connection } = await startFakeEngine(t, (_, response) =>
      refuse(response, 404, 'No such image: x'),
    )
    const error = await t.throwsAsync(new DockerImageStore(connection).resolve(text), {
      code: 'IMAGE_NOT_FOUND',
      message: new RegExp(`^image ${text}: not found in the engine`),
    })
    t.regex((error as PycdsError | undefined)?.hint ?? '', hint)
  })
}

test('an engine that has the base layers gets the new one only', async (t) => {
  const { image, config, layer, configId } = await setUp()
  let isLoaded = false
  const engine = await startFakeEngine(t, ({ what }, response) => {
    if (what === `GET /images/${configId}/json`) {
      return isLoaded ? inspection(configId, config) : refuse(response, 404, 'No such image: x')
    }
    isLoaded = what === 'POST /images/load'
    return { stream: `Loaded image ID: ${configId}\n` }
  })
  t.is(await new DockerImageStore(engine.connection).append(image, config, layer), configId)
  const sent = await members(
    engine.calls.find(({ what }) => what === 'POST /images/load')?.body ?? Buffer.alloc(0),
  )
  const hex = configId.slice(7)
  t.deepEqual([...sent.keys()], [`${hex}.json`, `${layer.diffId.slice(7)}/layer.tar`, 'manifest.json'])
  const [{ RepoTags, ...manifest }] = JSON.parse(sent.get('manifest.json') ?? '')
  t.deepEqual(manifest, {
    Config: `${hex}.json`,
    Layers: config.rootfs.diff_ids.map((id) => `${id.slice(7)}/layer.tar`),
  })
  // Held by a name of this process until it has its own.
  t.is(RepoTags.length, 1)
  t.regex(RepoTags[0], /^localhost\/pycds-image-pending:/)
})

test('an engine that wants all layers gets the source as it exports it', async (t) => {
  const { image, config, layer, configId } = await setUp()
  const exported = await packTar([
    file('oci-layout', '{}'),
    file('index.json', '{}'),
    file('blobs/sha256/one', 'first layer'),
    file('blobs/sha256/two', 'second layer'),
    file(
      'manifest.json',
      JSON.stringify([{ Config: 'blobs/sha256/c', Layers: ['blobs/sha256/one', 'blobs/sha256/two'] }]),
    ),
  ])
  let loads = 0
  const answer: Answer = ({ what }, response) => {
    if (what === `GET /images/${image.id}/get`) {
      response.end(exported)
      return undefined
    }
    if (what === `GET /images/${MANIFEST_ID}/json`) return inspection(MANIFEST_ID, config)
    if (what !== 'POST /images/load') return refuse(response, 404, 'No such image: x')
    loads += 1
    if (loads === 1) return { error: 'layer "aa/layer.tar" not found' }
    return { stream: `Loaded image ID: ${MANIFEST_ID}` }
  }
  const engine = await startFakeEngine(t, answer)
  t.is(await new DockerImageStore(engine.connection).append(image, config, layer), MANIFEST_ID)
  const sent = await members(
    engine.calls.findLast(({ what }) => what === 'POST /images/load')?.body ?? Buffer.alloc(0),
  )
  t.deepEqual(
    [...sent.keys()],
    [
      ...['blobs/sha256/one', 'blobs/sha256/two', `${configId.slice(7)}.json`],
      ...[`${layer.diffId.slice(7)}/layer.tar`, 'manifest.json'],
    ],
  )
  t.is(sent.get('blobs/sha256/two'), 'second layer')
  t.deepEqual(JSON.parse(sent.get('manifest.json') ?? '')[0].Layers, [
    ...['blobs/sha256/one', 'blobs/sha256/two', `${layer.diffId.slice(7)}/layer.tar`],
  ])
})

test('an image that is there already is not loaded again', async (t) => {
  const { image, config, layer, configId } = await setUp()
  const engine = await startFakeEngine(t, ({ what }) =>
    what === 'GET /images/json' ? [] : inspection(configId, config),
  )
  t.is(await new DockerImageStore(engine.connection).append(image, config, layer), configId)
  t.false(engine.calls.some(({ what }) => what === 'POST /images/load'))
})

test('an image with other layers than it was given is removed again', async (t) => {
  const { image, config, layer, configId } = await setUp()
  let isLoaded = false
  const engine = await startFakeEngine(t, ({ what }, response) => {
    if (what.startsWith('GET')) {
      return isLoaded ? inspection(configId, sampleConfig()) : refuse(response, 404, 'No such image: x')
    }
    isLoaded = true
    return { stream: `Loaded image ID: ${configId}` }
  })
  const store = new DockerImageStore(engine.connection)
  await t.throwsAsync(store.append(image, config, layer), { code: 'ENGINE_FAILED' })
  t.is(engine.calls.at(-1)?.what, `DELETE /images/${configId}`)
  t.is(engine.calls.at(-1)?.query.get('noprune'), 'true')
})

const failsToLoad = test.macro(async (t, reply: object, code: string) => {
  const { image, config, layer } = await setUp()
  const engine = await startFakeEngine(t, ({ what }, response) =>
    what === 'POST /images/load' ? reply : refuse(response, 404, 'No such image: x'),
  )
  const store = new DockerImageStore(engine.connection)
  await t.throwsAsync(store.append(image, config, layer), { code })
  t.is(engine.calls.filter(({ what }) => what === 'POST /images/load').length, 1)
})
test(
  'a full disk is not tried again',
  failsToLoad,
  { error: 'write /x/layer.tar: no space left on device' },
  'NO_SPACE',
)
test('nor is a refusal that is not about layers', failsToLoad, { error: 'denied by policy' }, 'ENGINE_FAILED')

test('a configuration that does not continue the image is a bug', async (t) => {
  const { image, config, layer } = await setUp()
  const engine = await startFakeEngine(t, () => ({}))
  const foreign = { ...image, diffIds: [...image.diffIds].reverse() }
  const store = new DockerImageStore(engine.connection)
  await t.throwsAsync(store.append(foreign, config, layer), { code: 'INTERNAL' })
  t.is(engine.calls.length, 0)
})

test('a name that is no name never becomes a path', async (t) => {
  const engine = await startFakeEngine(t, () => ({}))
  const store = new DockerImageStore(engine.connection)
  await t.throwsAsync(store.resolve('../containers/x'), { code: 'USAGE' })
  t.is(engine.calls.length, 0)
})

test('an image with a name is not removed', async (t) => {
  const engine = await startFakeEngine(t, () => inspection(MANIFEST_ID, sampleConfig(), ['app:1']))
  await new DockerImageStore(engine.connection).remove(MANIFEST_ID)
  t.deepEqual(
    engine.calls.map(({ what }) => what),
    [`GET /images/${MANIFEST_ID}/json`],
  )
})

test('an image that is gone needs no removing', async (t) => {
  const engine = await startFakeEngine(t, (_, response) => refuse(response, 404, 'No such image: x'))
  await t.notThrowsAsync(new DockerImageStore(engine.connection).remove(MANIFEST_ID))
})

test('a digest cannot be given as a name', async (t) => {
  const engine = await startFakeEngine(t, () => ({}))
  const store = new DockerImageStore(engine.connection)
  await t.throwsAsync(store.tag(MANIFEST_ID, `app@${MANIFEST_ID}`), { code: 'USAGE' })
})

test("a short name is Podman's own there, and what was written elsewhere", async (t) => {
  for (const [component, reference, expected] of [
    ['Podman Engine', 'app:1', 'localhost/app'],
    ['Podman Engine', 'quay.io/team/app:1', 'quay.io/team/app'],
    ['Engine', 'app:1', 'app'],
  ] as const) {
    const engine = await startFakeEngine(t, ({ what }) =>
      what === 'GET /version' ? { Components: [{ Name: component }] } : {},
    )
    await new DockerImageStore(engine.connection).tag(MANIFEST_ID, reference)
    t.is(engine.calls.at(-1)?.query.get('repo'), expected)
  }
})

test('an engine that calls images by their manifests tells both digests', async (t) => {
  const { image, config, layer, configId } = await setUp()
  for (const [id, expected] of [
    [MANIFEST_ID, { config: configId, manifest: MANIFEST_ID }],
    [configId, { config: configId }],
  ] as const) {
    const engine = await startFakeEngine(t, ({ what }) =>
      what.startsWith('GET /images') ? inspection(id, config) : {},
    )
    const store = new DockerImageStore(engine.connection)
    t.deepEqual(await store.tag(await store.append(image, config, layer), 'app:2'), expected)
  }
})

test('the name that holds a new image goes when it has its own, or is removed', async (t) => {
  const { image, config, layer, configId } = await setUp()
  const engine = await startFakeEngine(t, ({ what }) =>
    what.startsWith('GET /images/sha256') ? inspection(configId, config, ['app:1']) : {},
  )
  const store = new DockerImageStore(engine.connection)
  const held = () => engine.calls.filter(({ what }) => /^DELETE .*pycds-image-pending/.test(what)).length
  await store.append(image, config, layer)
  t.is(held(), 0)
  await store.tag(configId, 'app:2')
  t.is(held(), 1)
  await store.append(image, config, layer)
  await store.remove(configId)
  t.is(held(), 2)
})

test('what a killed run has left is removed by the next one, and nothing of one that still works', async (t) => {
  const { image, config, layer, configId } = await setUp()
  const pending = 'localhost/pycds-image-pending'
  // This process, as if it had been started at another time.
  const dead = `${pending}:${ownerMark().replace(/-\d+-(?=[0-9a-f]{8}$)/, '-1-')}`
  const names = [dead, `${pending}:${ownerMark()}`, `${pending}:x`, 'app:1']
  const engine = await startFakeEngine(t, ({ what }) => {
    if (what === 'GET /images/json') return names.map((name) => ({ RepoTags: [name] }))
    return what.startsWith('GET') ? inspection(configId, config) : {}
  })
  await new DockerImageStore(engine.connection).append(image, config, layer)
  const removed = engine.calls.filter(({ what }) => what.startsWith('DELETE'))
  t.deepEqual(
    removed.map(({ what }) => decodeURIComponent(what)),
    [`DELETE /images/${dead}`],
  )
})

test('a reply that does not name the image is no matter: it is known by the name that it was loaded with', async (t) => {
  const { image, config, layer } = await setUp()
  let isLoaded = false
  const engine = await startFakeEngine(t, ({ what }, response) => {
    if (what === 'GET /images/json') return []
    isLoaded ||= what === 'POST /images/load'
    if (!what.startsWith('GET')) return { stream: 'Loaded image: localhost/pycds-image-pending:x' }
    // The containerd store: an image is known by the digest of its manifest, and not by that of its config.
    return isLoaded && what.includes('pending')
      ? inspection(MANIFEST_ID, config)
      : refuse(response, 404, 'No such image: x')
  })
  t.is(await new DockerImageStore(engine.connection).append(image, config, layer), MANIFEST_ID)
})
