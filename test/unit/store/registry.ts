// SPDX-License-Identifier: Apache-2.0
// Images of registries through the port that a bake sees: what is read, what is sent, and what whoever cuts the connections
// cannot break.
import { randomBytes } from 'node:crypto'
import { readdirSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { appendLayer, type Manifest, MEDIA_TYPES, sha256DiffId } from '../../../src/image/index.js'
import { openLayer } from '../../../src/oci/index.js'
import { BlobCache, Registries, type RegistriesOptions } from '../../../src/registry/index.js'
import { LocationStore } from '../../../src/store/locations/index.js'
import { RegistryAttachments } from '../../../src/store/registry/index.js'
import { packTar } from '../../../src/tar/index.js'
import { LayoutMaker, named, simpleLayout } from '../../helpers/layout.js'
import { digestOf, type Fault, type RegistryBehaviour, TestRegistry } from '../../helpers/registry.js'
import { file } from '../../helpers/tar.js'
import { temporary } from '../../helpers/temporary.js'

const QUICK = { attempts: 4, firstWaitMs: 1, longestWaitMs: 5 }

interface Opened {
  store: LocationStore
  attachments: RegistryAttachments
  registries: Registries
}

function open(t: ExecutionContext, o: Partial<RegistriesOptions> = {}): Opened {
  // The certificates of this machine take a while to read, and none of them is needed.
  const env = { SSL_CERT_FILE: '/dev/null', ...o.env }
  const registries = new Registries({ cache: new BlobCache(), patience: QUICK, ...o, env })
  t.teardown(() => registries.close())
  return {
    store: new LocationStore({ registries }),
    attachments: new RegistryAttachments(registries),
    registries,
  }
}

/** Appends a layer to an image and gives it a name, as a bake does. */
async function bakeInto(store: LocationStore, source: string, output: string, content = 'layer') {
  await store.assertNameable(output)
  const image = await store.resolve(source)
  const tar = await packTar([file('added', content)])
  const layer = { tar, diffId: sha256DiffId(tar) }
  const record = { diffId: layer.diffId, createdBy: 'test', comment: '', created: '2024-05-01T12:00:00Z' }
  const config = appendLayer(await store.readConfig(image), record, { env: { A: '1' }, labels: {} })
  const id = await store.append(image, config, layer)
  return await store.tag(id, output)
}

/** A registry with the image `app:1`. */
async function withImage(t: ExecutionContext, behaviour: RegistryBehaviour = {}) {
  const registry = await TestRegistry.start(t, {})
  const layout = await simpleLayout(t)
  const { store } = open(t)
  const image = await store.resolve(`oci:${layout.path}`)
  await store.tag(image.id, `registry:${registry.host}/team/app:1`)
  registry.forget()
  Object.assign(registry.behaviour, behaviour)
  return {
    registry,
    layout,
    name: (tag: string, repository = 'team/app') => `registry:${registry.host}/${repository}:${tag}`,
  }
}

async function readAll(store: LocationStore, reference: string) {
  const image = await store.resolve(reference)
  const contents = store.contents(image.id)
  for (const layer of contents.layers) {
    for await (const _ of await openLayer(layer, 'test')); // fails at the end when a digest is wrong
  }
  return { image, contents }
}

test('what goes up is the layer, the configuration and the manifest; the tag is last', async (t) => {
  const { registry, name } = await withImage(t)
  const { store } = open(t)
  const digests = await bakeInto(store, name('1'), name('1-cds'))
  const sent = registry.asked.filter(({ received }) => received > 0)
  t.deepEqual(
    sent.map(({ method }) => method),
    ['PUT', 'PUT', 'PUT'],
  )
  t.is(registry.lines.at(-1), 'PUT /v2/team/app/manifests/1-cds')
  t.is(registry.lines.filter((line) => /GET .*blobs/.test(line)).length, 1, 'the configuration alone is read')
  t.is(registry.tags['team/app:1-cds'], digests.manifest)
  const layer = Math.max(...sent.map(({ received }) => received))
  t.true(sent.reduce((sum, { received }) => sum + received, 0) < layer + 20_000)
  const { contents } = await readAll(open(t).store, name('1-cds'))
  t.is(contents.layers.length, 3)
})

test('another repository of the same registry has the layers mounted', async (t) => {
  const { registry, name } = await withImage(t)
  await bakeInto(open(t).store, name('1'), name('2', 'other/app'))
  const sent = registry.asked.filter(({ received }) => received > 0)
  t.is(sent.length, 3)
  t.is(registry.asked.filter(({ path }) => path.includes('mount=')).length, 2)
  await t.notThrowsAsync(readAll(open(t).store, name('2', 'other/app')))
})

for (const status of [202, 400, 401, 404, 405]) {
  test(`a mount that is answered with ${status} becomes an upload`, async (t) => {
    const { registry, name } = await withImage(t, { mounts: status })
    await bakeInto(open(t).store, name('1'), name('2', 'other/app'))
    t.is(registry.asked.filter(({ received }) => received > 0).length, 5)
    await t.notThrowsAsync(readAll(open(t).store, name('2', 'other/app')))
  })
}

test('an image goes from one registry to another, to a layout and back, and stays the same', async (t) => {
  const { name } = await withImage(t)
  const other = await TestRegistry.start(t)
  const there = `registry:${other.host}/a/b/c:x`
  const digests = await bakeInto(open(t).store, name('1'), there)
  const layout = `oci:${join(temporary(t), 'layout')}:x`
  const { store } = open(t)
  await store.tag((await store.resolve(there)).id, layout)
  const back = open(t).store
  const again = await back.tag((await back.resolve(layout)).id, name('back'))
  t.is(again.manifest, digests.manifest)
})

test('layers without compression are sent compressed, as the bytes that a bake gives them', async (t) => {
  const { registry, layout, name } = await withImage(t)
  const { store } = open(t)
  const archive = `docker-archive:${join(temporary(t), 'x.tar')}:app:1`
  await bakeInto(store, `oci:${layout.path}`, archive)
  const direct = await bakeInto(open(t).store, `oci:${layout.path}`, name('direct'))
  const over = open(t).store
  await over.tag((await over.resolve(archive)).id, name('over'))
  const layersOf = (tag: string) => {
    const { bytes = Buffer.alloc(0) } = registry.repositories.get('team/app')?.manifests.get(tag) ?? {}
    return (JSON.parse(String(bytes)) as Manifest).layers
  }
  t.truthy(direct.manifest)
  t.is(layersOf('over').at(-1)?.digest, layersOf('direct').at(-1)?.digest)
  for (const { mediaType } of layersOf('over')) t.is(mediaType, MEDIA_TYPES.layerGzip)
})

test('an index keeps what was not baked, and that is not sent again', async (t) => {
  const { registry, name, layout } = await withImage(t)
  const other = await layout.image([[file('a', 'arm')]], { architecture: 'arm64' })
  const parts = JSON.parse(String(await contentOf(layout.blobPath(other)))) as Manifest
  for (const part of [parts.config, ...parts.layers]) {
    registry.addBlob('team/app', await contentOf(layout.blobPath(part)))
  }
  registry.addManifest('team/app', MEDIA_TYPES.manifest, parts)
  const first = registry.repositories.get('team/app')?.manifests.get('1')?.bytes ?? Buffer.alloc(0)
  const entry = (bytes: Buffer, architecture: string) => ({
    ...{ mediaType: MEDIA_TYPES.manifest, digest: digestOf(bytes), size: bytes.length },
    platform: { os: 'linux', architecture },
  })
  const manifests = [entry(first, 'amd64'), entry(Buffer.from(JSON.stringify(parts)), 'arm64')]
  registry.addManifest(
    'team/app',
    MEDIA_TYPES.index,
    { schemaVersion: 2, mediaType: MEDIA_TYPES.index, manifests },
    'all',
  )
  const { store } = open(t)
  t.deepEqual(
    (await store.platforms(name('all'))).map(({ architecture }) => architecture),
    ['amd64', 'arm64'],
  )
  const amd = store.forPlatform('linux/amd64') as LocationStore
  registry.forget()
  const digests = await bakeInto(amd, name('all'), name('all-cds'))
  t.is(registry.tags['team/app:all-cds'], digests.manifest)
  t.deepEqual(
    registry.lines.filter((line) => line.startsWith('PUT') && line.includes('manifests')).length,
    2,
    'the new manifest and the new index',
  )
  const arm = open(t).store.forPlatform('linux/arm64')
  t.is((await arm.resolve(name('all-cds'))).architecture, 'arm64')
})

test('a digest is as good as a tag, and content of another digest is refused', async (t) => {
  const { registry, name } = await withImage(t)
  const digest = registry.tags['team/app:1'] ?? ''
  const byDigest = `registry:${registry.host}/team/app@${digest}`
  const { store } = open(t)
  const image = await store.resolve(byDigest)
  t.is(image.id, (await store.resolve(name('1'))).id)
  const manifests = registry.repositories.get('team/app')?.manifests
  manifests?.set(digest, { type: MEDIA_TYPES.manifest, bytes: Buffer.from('{"schemaVersion":2}') })
  await t.throwsAsync(open(t).store.resolve(byDigest), { code: 'IMAGE_INVALID' })
})

test('a layer that was changed in the registry is told when it is read', async (t) => {
  const { registry, name } = await withImage(t)
  const { blobs } = registry.repositories.get('team/app') ?? { blobs: new Map<string, Buffer>() }
  for (const [digest, bytes] of blobs)
    if (!bytes.toString().startsWith('{')) blobs.set(digest, Buffer.from('x'.repeat(bytes.length)))
  await t.throwsAsync(readAll(open(t).store, name('1')), { code: 'IMAGE_INVALID' })
})

test('what is not there is told as such, and so is who cannot be reached', async (t) => {
  const { registry, name } = await withImage(t)
  const { store } = open(t)
  await t.throwsAsync(store.resolve(name('none')), { code: 'IMAGE_NOT_FOUND' })
  await t.throwsAsync(store.resolve(name('1', 'no/such')), { code: 'IMAGE_NOT_FOUND' })
  registry.behaviour.fault = () => ({ kind: 'answer', status: 503 })
  await t.throwsAsync(open(t).store.resolve(name('1')), { code: 'REGISTRY_UNREACHABLE' })
  await t.throwsAsync(open(t).store.resolve('registry:127.0.0.1:1/a:1'), { code: 'REGISTRY_UNREACHABLE' })
  await t.throwsAsync(open(t).store.resolve('registry:no-such-host.invalid/a:1'), {
    code: 'REGISTRY_UNREACHABLE',
  })
})

const FAULTS: readonly (readonly [string, Fault])[] = [
  ['cut', { kind: 'cut' }],
  ['cut in the middle', { kind: 'cut', after: 60 }],
  ['cut while it answers', { kind: 'cut-answer', after: 40 }],
  ['carried out without an answer', { kind: 'lose-answer' }],
  ['answered with 429', { kind: 'answer', status: 429, headers: { 'retry-after': '0' } }],
  ['answered with 503', { kind: 'answer', status: 503 }],
]

for (const [what, fault] of FAULTS) {
  test(`a bake succeeds when any one of its requests is ${what}`, async (t) => {
    const { registry, name } = await withImage(t)
    const bake = (tag: string) => {
      const { store } = open(t)
      return bakeInto(store, name('1'), name(tag, 'other/app'), 'x'.repeat(500))
    }
    const expected = await bake('undisturbed')
    const count = registry.asked.length
    t.true(count > 8)
    for (let at = 0; at < count; at += 1) {
      registry.repositories.delete('other/app')
      registry.forget()
      registry.behaviour.fault = (_, index) => (index === at ? fault : undefined)
      const digests = await bake('disturbed')
      t.is(digests.manifest, expected.manifest, `request ${at}`)
      t.is(registry.tags['other/app:disturbed'], expected.manifest)
    }
  })
}

test('a registry that fails from some request on moves no tag, and a second bake succeeds', async (t) => {
  const { registry, name } = await withImage(t)
  const bake = (content: string) => {
    const { store } = open(t, { patience: { ...QUICK, attempts: 2 } })
    return bakeInto(store, name('1'), name('new', 'other/app'), content)
  }
  const old = await bake('old')
  registry.forget()
  registry.repositories.delete('other/app')
  await bake('new')
  const count = registry.asked.length
  registry.repositories.delete('other/app')
  await bake('old')
  for (let from = 0; from < count; from += 1) {
    registry.forget()
    registry.behaviour.fault = (_, index) => (index >= from ? { kind: 'cut' } : undefined)
    const error = await t.throwsAsync(bake(`new ${from}`), undefined, `from ${from}`)
    t.is((error as { code?: string }).code, 'REGISTRY_UNREACHABLE', error?.message)
    t.is(registry.tags['other/app:new'], old.manifest, `from ${from}`)
    delete registry.behaviour.fault
  }
  const next = await bake('new at last')
  t.is(registry.tags['other/app:new'], next.manifest)
})

test('a layer that breaks off is read on from there', async (t) => {
  const { registry, name } = await withImage(t)
  registry.behaviour.fault = ({ method, path, headers }) =>
    method === 'GET' && path.includes('/blobs/') && headers.range === undefined
      ? { kind: 'cut-answer', after: 50 }
      : undefined
  await t.notThrowsAsync(readAll(open(t).store, name('1')))
  t.true(registry.asked.some(({ headers }) => headers.range === 'bytes=50-'))
})

test('a store behind a redirection is not shown what the registry is', async (t) => {
  const { registry, name } = await withImage(t)
  const elsewhere = await TestRegistry.start(t)
  for (const bytes of registry.repositories.get('team/app')?.blobs.values() ?? [])
    elsewhere.addBlob('team/app', bytes)
  registry.behaviour.redirectsTo = elsewhere.host
  registry.behaviour.auth = { kind: 'basic', username: 'u', password: 'pass-word' }
  const env = authOf(registry.host, 'u', 'pass-word')
  await t.notThrowsAsync(readAll(open(t, { env }).store, name('1')))
  t.true(elsewhere.asked.length > 0)
  t.true(elsewhere.asked.every(({ headers }) => headers.authorization === undefined))
})

const withPieces = test.macro(async (t: ExecutionContext, behaviour: RegistryBehaviour, faultAt: number) => {
  const { registry, name } = await withImage(t, behaviour)
  let pieces = 0
  registry.behaviour.fault = ({ method }) => {
    if (method !== 'PATCH') return undefined
    pieces += 1
    return pieces === faultAt ? { kind: 'cut', after: 70 } : undefined
  }
  const { store } = open(t, { pieceBytes: 100 })
  const random = [...Array(400).keys()].map((n) => digestOf(Buffer.from(String(n)))).join()
  await bakeInto(store, name('1'), name('large', 'other/app'), random)
  await t.notThrowsAsync(readAll(open(t).store, name('large', 'other/app')))
  return pieces
})
test('a large blob goes up in pieces', withPieces, {}, 0)
test('a piece that breaks off goes on from there', withPieces, {}, 3)
test('pieces are as large as the registry wants them', withPieces, { leastPiece: 1000 }, 2)
test('a registry that takes no pieces gets the blob at once', withPieces, { leastPiece: 0 }, 0)

test('what a registry writes down after a broken connection begins the upload anew', async (t) => {
  const { registry, name } = await withImage(t)
  const puts = new Map<string, number>()
  registry.behaviour.fault = ({ method, path }) => {
    if (method !== 'PUT' || !path.includes('/blobs/uploads/')) return undefined
    const [upload = ''] = path.split('?')
    puts.set(upload, (puts.get(upload) ?? 0) + 1)
    // Only the first upload is disturbed: it breaks, is known as before when asked, and then it has more than it said.
    if (upload !== [...puts.keys()][0]) return undefined
    return puts.get(upload) === 1 ? { kind: 'cut' } : { kind: 'answer', status: 404 }
  }
  const { store } = open(t)
  await bakeInto(store, name('1'), name('new', 'other/app'))
  t.is([...puts.values()][0], 2)
  await t.notThrowsAsync(readAll(open(t).store, name('new', 'other/app')))
})

/** An environment with one password. */
function authOf(host: string, username: string, password: string): NodeJS.ProcessEnv {
  const auth = Buffer.from(`${username}:${password}`).toString('base64')
  return { DOCKER_AUTH_CONFIG: JSON.stringify({ auths: { [host]: { auth } } }) }
}

test('a token that ends during an upload is renewed', async (t) => {
  const { registry, name } = await withImage(t, {
    auth: { kind: 'bearer', username: 'u', password: 'pass-word' },
  })
  let pieces = 0
  registry.behaviour.fault = ({ method }) => {
    if (method === 'PATCH') pieces += 1
    if (method === 'PATCH' && pieces % 3 === 0) registry.revoke()
    return undefined
  }
  const { store } = open(t, { env: authOf(registry.host, 'u', 'pass-word'), pieceBytes: 2000 })
  const random = [...Array(400).keys()].map((n) => digestOf(Buffer.from(String(n)))).join()
  await bakeInto(store, name('1'), name('2', 'other/app'), random)
  t.truthy(registry.tags['other/app:2'])
  t.true(pieces > 6)
})

test('a token is for what is done with it: reading, writing, and reading where a blob is mounted from', async (t) => {
  const { registry, name } = await withImage(t, {
    auth: { kind: 'bearer', username: 'u', password: 'pass-word' },
  })
  await bakeInto(
    open(t, { env: authOf(registry.host, 'u', 'pass-word') }).store,
    name('1'),
    name('2', 'other/app'),
  )
  const scopes = registry.asked.flatMap(({ path }) =>
    path.startsWith('/token') ? [new URL(path, 'http://x').searchParams.getAll('scope').join(' ')] : [],
  )
  t.deepEqual(scopes.sort(), [
    'repository:other/app:pull,push',
    'repository:other/app:pull,push repository:team/app:pull',
    'repository:team/app:pull',
  ])
})

test('whoever needs no credentials reads without, and an identity token is exchanged', async (t) => {
  const { registry, name } = await withImage(t, { auth: { kind: 'bearer' } })
  await t.notThrowsAsync(readAll(open(t).store, name('1')))
  registry.behaviour.auth = { kind: 'bearer', username: 'x', identity: 'identity-canary' }
  registry.revoke()
  const auths = { [registry.host]: { identitytoken: 'identity-canary' } }
  const env = { DOCKER_AUTH_CONFIG: JSON.stringify({ auths }) }
  await t.notThrowsAsync(readAll(open(t, { env }).store, name('1')))
  t.true(registry.lines.includes('POST /token'))
})

for (const kind of ['basic', 'bearer'] as const) {
  test(`credentials that are missing or wrong are told by ${kind}, and never shown`, async (t) => {
    const { registry, name } = await withImage(t, { auth: { kind, username: 'u', password: 'pass-word' } })
    const none = await t.throwsAsync(open(t).store.resolve(name('1')), { code: 'REGISTRY_REFUSED' })
    t.regex(none?.message ?? '', /none were found/)
    const env = authOf(registry.host, 'u', 'canary-of-a-password')
    const wrong = await t.throwsAsync(open(t, { env }).store.resolve(name('1')), { code: 'REGISTRY_REFUSED' })
    t.regex(wrong?.message ?? '', /DOCKER_AUTH_CONFIG/)
    const { inspect } = await import('node:util')
    for (const error of [none, wrong]) {
      const text = inspect(error, { depth: 10, showHidden: true })
      t.notRegex(text, /canary|Y2FuYXJ5|pass-word/)
    }
  })
}

test('a registry that repeats what it was shown does not get it into a message', async (t) => {
  const { registry, name } = await withImage(t)
  const auth = Buffer.from('u:canary-of-a-password').toString('base64')
  registry.behaviour.auth = { kind: 'basic', username: 'u', password: 'canary-of-a-password' }
  const { store } = open(t, { env: authOf(registry.host, 'u', 'canary-of-a-password') })
  registry.echo = `denied to Basic ${auth} canary-of-a-password`
  const error = await t.throwsAsync(store.resolve(name('none')))
  t.notRegex(`${error?.message} ${String(error?.cause)}`, /canary|dTpjYW5h/)
  t.regex(String(error?.cause), /denied to Basic \*\*\* \*\*\*/)
})

test('a directory keeps what was read, a damaged part of it is read anew, and no more stays than may', async (t) => {
  const { registry, name } = await withImage(t)
  const directory = temporary(t)
  const read = async (limitBytes = 1e9) => {
    registry.forget()
    const opened = open(t, { cache: new BlobCache({ directory, limitBytes }) })
    await readAll(opened.store, name('1'))
    await opened.registries.close()
    return registry.lines.filter((line) => line.includes('/blobs/')).length
  }
  t.is(await read(), 3)
  t.is(await read(), 0)
  const { writeFileSync } = await import('node:fs')
  const folder = join(directory, 'blobs/sha256')
  const [one = ''] = readdirSync(folder)
  const { statSync } = await import('node:fs')
  writeFileSync(join(folder, one), Buffer.alloc(statSync(join(folder, one)).size))
  t.is(await read(), 1)
  await read(1)
  t.deepEqual(readdirSync(folder), [])
})

test.serial('without a directory nothing stays', async (t) => {
  const own = () =>
    readdirSync(tmpdir()).filter((one) => one.startsWith('pycds-') && one.includes(`-${process.pid}-`))
  const registry = await TestRegistry.start(t)
  const layout = new LayoutMaker(join(temporary(t), 'layout'))
  layout.index([named(await layout.image([[file('a', randomBytes(2_000_000))]]), '1')])
  const { store } = open(t)
  await store.tag((await store.resolve(`oci:${layout.path}`)).id, `registry:${registry.host}/large:1`)
  const opened = open(t)
  await readAll(opened.store, `registry:${registry.host}/large:1`)
  t.is(own().length, 1)
  await opened.registries.close()
  t.deepEqual(own(), [])
})

test('what is still being fetched when all is over is given up at once', async (t) => {
  const registry = await TestRegistry.start(t)
  const layout = new LayoutMaker(join(temporary(t), 'layout'))
  layout.index([named(await layout.image([[file('a', randomBytes(2_000_000))]]), '1')])
  const { store } = open(t)
  const reference = `registry:${registry.host}/large:1`
  await store.tag((await store.resolve(`oci:${layout.path}`)).id, reference)
  // With waits that nobody would sit out.
  const opened = open(t, { patience: { attempts: 9, firstWaitMs: 60_000, longestWaitMs: 60_000 } })
  const image = await opened.store.resolve(reference)
  let isAsked = () => {}
  const asked = new Promise<void>((resolve) => {
    isAsked = resolve
  })
  registry.behaviour.fault = ({ path }) => {
    if (path.includes('/blobs/')) isAsked()
    return path.includes('/blobs/') ? { kind: 'hang' } : undefined
  }
  for (const { blob } of opened.store.contents(image.id).layers) blob.prefetch?.()
  await asked
  await t.notThrowsAsync(opened.registries.close())
})

for (const [referrers, how] of [
  [true, 'by the list of the registry'],
  ['untyped', 'by a list without types'],
  [false, 'by a tag'],
] as const) {
  test(`documents are attached to an image, listed and read ${how}, and copied`, async (t) => {
    const { registry, name } = await withImage(t, { referrers })
    const { attachments, store } = open(t)
    t.deepEqual(await attachments.list(name('1')), [])
    const document = {
      artifactType: 'application/x-trace',
      mediaType: 'text/plain',
      content: Buffer.from('content'),
    }
    const digest = await attachments.attach(name('1'), document)
    t.is(await attachments.attach(name('1'), document), digest)
    await attachments.attach(name('1'), {
      ...document,
      artifactType: 'application/vnd.dev.cosign.artifact.sig.v1+json',
    })
    const sigTag = `${registry.tags['team/app:1']?.replace(':', '-')}.sig`
    const config = { mediaType: 'x', digest: registry.addBlob('team/app', Buffer.from('{}')), size: 2 }
    registry.addManifest('team/app', MEDIA_TYPES.manifest, { schemaVersion: 2, config, layers: [] }, sigTag)
    const listed = await open(t).attachments.list(name('1'))
    t.deepEqual(listed.map(({ kind }) => kind).sort(), ['other', 'signature', 'signature'])
    const [read] = await open(t).attachments.read(name('1'), 'application/x-trace')
    t.is(String(read?.content), 'content')
    await bakeInto(store, name('1'), name('2', 'other/app'))
    await attachments.copy(name('1'), name('2', 'other/app'), [digest])
    const copied = await open(t).attachments.read(name('2', 'other/app'), 'application/x-trace')
    t.deepEqual(
      copied.map(({ content }) => String(content)),
      ['content'],
    )
  })
}

test('tags and repositories are listed over all pages', async (t) => {
  const { registry, name } = await withImage(t)
  const { store, registries } = open(t)
  const { id } = await store.resolve(name('1'))
  for (const tag of ['a', 'b', 'c', 'd']) await store.tag(id, name(tag))
  const repository = registries.repository({ registry: registry.host, path: 'team/app' })
  t.deepEqual(await repository.tags(), ['1', 'a', 'b', 'c', 'd'])
  t.deepEqual(await registries.repository({ registry: registry.host, path: 'no/such' }).tags(), [])
  for (const other of ['x/1', 'x/2', 'x/3']) registry.addBlob(other, Buffer.from(other))
  t.deepEqual((await registries.catalog(registry.host)).slice(0, 4), ['team/app', 'x/1', 'x/2', 'x/3'])
})

async function contentOf(path: string): Promise<Buffer> {
  const { readFile } = await import('node:fs/promises')
  return await readFile(path)
}
