// SPDX-License-Identifier: Apache-2.0
// What stores do with layouts and archives, through the port that a bake sees: every kind is a source and a target,
// the source stays as it was, and what is damaged is told before anything is written.
import { execFileSync } from 'node:child_process'
import {
  closeSync,
  constants,
  cpSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { configName, layerName, MANIFEST } from '../../../src/docker-archive/index.js'
import {
  appendLayer,
  type Descriptor,
  MEDIA_TYPES,
  parseDigest,
  sha256DiffId,
} from '../../../src/image/index.js'
import { openLayer, parsePlatform } from '../../../src/oci/index.js'
import { LocationStore } from '../../../src/store/locations/index.js'
import { packTar, readTar } from '../../../src/tar/index.js'
import { bakeInto, contentOf, LayoutMaker, named, simpleLayout } from '../../helpers/layout.js'
import { file } from '../../helpers/tar.js'
import { temporary } from '../../helpers/temporary.js'

async function readAll(reference: string) {
  const store = new LocationStore()
  const image = await store.resolve(reference)
  const contents = store.contents(image.id)
  for (const layer of contents.layers) {
    for await (const _ of await openLayer(layer, 'test')); // fails at the end when a digest is wrong
  }
  return { image, contents }
}

/** Bytes that take much longer to write than it takes to see that they are being written. */
const LARGE = 64 * 1024 * 1024

const KINDS = ['oci:layout', 'oci-archive:archive.tar', 'docker-archive:docker.tar'] as const
const nameIn = (directory: string, place: string, tag: string) => {
  const [kind, path = ''] = place.split(':')
  return `${kind}:${join(directory, path)}:${kind === 'docker-archive' ? `app:${tag}` : tag}`
}

for (const to of KINDS) {
  test(`a signal ends the writing of ${to.split(':')[0]}, and nothing is left of it`, async (t) => {
    const layout = new LayoutMaker(temporary(t))
    const plain = { layerType: 'application/vnd.oci.image.layer.v1.tar', compress: (tar: Buffer) => tar }
    layout.index([named(await layout.image([[file('a', Buffer.alloc(LARGE))]], plain), '1')])
    const directory = temporary(t)
    const controller = new AbortController()
    const store = new LocationStore({ signal: controller.signal })
    const { id } = await store.resolve(`oci:${layout.path}:1`)
    const written = store.tag(id, nameIn(directory, to, '2'))
    const ended = t.throwsAsync(written)
    while (readdirSync(directory).length === 0) await new Promise((resolve) => setImmediate(resolve))
    controller.abort()
    await ended
    t.deepEqual(readdirSync(directory), [])
  })
}

for (const from of KINDS) {
  for (const to of KINDS) {
    test(`an image goes from ${from.split(':')[0]} to ${to.split(':')[0]}`, async (t) => {
      const layout = await simpleLayout(t)
      const directory = temporary(t)
      const source = nameIn(join(directory, 'source'), from, '1')
      mkdirSync(join(directory, 'source'))
      await bakeInto(`oci:${layout.path}:1`, source)
      const before = contentOf(join(directory, 'source'))
      const output = nameIn(directory, to, '2')
      const id = await bakeInto(source, output)
      const { image, contents } = await readAll(output)
      t.is(image.id, id)
      t.is(contents.layers.length, 4)
      t.deepEqual(contentOf(join(directory, 'source')), before)
      t.deepEqual(image.config.config?.Labels, { kept: 'label' })
      t.is(image.config.history?.length, 4)
      if (to.startsWith('oci') && from.startsWith('oci')) {
        t.deepEqual(contents.manifest.annotations, { 'org.opencontainers.image.base.name': 'base:1' })
      }
      t.deepEqual(
        readdirSync(directory).filter((name) => name.startsWith('.pycds')),
        [],
      )
    })
  }
}

test('an image that was found or made is known by its id, and no other one is', async (t) => {
  const layout = await simpleLayout(t)
  const store = new LocationStore()
  const found = await store.resolve(`oci:${layout.path}:1`)
  t.deepEqual((await store.resolve(found.id)).diffIds, found.diffIds)
  const made = await bakeInto(`oci:${layout.path}:1`, `oci:${join(temporary(t), 'new')}:1`, store)
  t.is((await store.resolve(made)).layers, found.layers + 1)
  await store.remove(made)
  await t.throwsAsync(store.resolve(made), { code: 'IMAGE_NOT_FOUND' })
})

test('what was named is found by its manifest, where there is one, and by its configuration', async (t) => {
  const layout = await simpleLayout(t)
  const store = new LocationStore()
  const image = await store.resolve(`oci:${layout.path}`)
  const written = await store.tag(image.id, `oci:${layout.path}:again`)
  t.is(written.config, image.id)
  const index = JSON.parse(readFileSync(join(layout.path, 'index.json'), 'utf8')) as {
    manifests: Descriptor[]
  }
  t.is(written.manifest, index.manifests.at(-1)?.digest)
  t.deepEqual(await store.tag(image.id, `docker-archive:${join(temporary(t), 'x.tar')}:app:1`), {
    config: image.id,
  })
})

test('a Docker archive names its members as what is loaded into an engine does', async (t) => {
  const path = join(temporary(t), 'x.tar')
  const store = new LocationStore()
  const image = await store.resolve(`oci:${(await simpleLayout(t)).path}`)
  await store.tag(image.id, `docker-archive:${path}:app:1`)
  const names: string[] = []
  await readTar(readFileSync(path), ({ name }) => void names.push(name))
  const layers = image.diffIds.map(layerName)
  t.deepEqual(names, [configName(parseDigest(image.id)), ...layers, MANIFEST])
})

for (const kind of ['oci', 'oci-archive']) {
  test(`${kind}: what a new image does not change of index.json keeps its bytes`, async (t) => {
    const layout = await simpleLayout(t)
    const path = join(layout.path, 'index.json')
    const unknown = '"x-top":{"float":1.0,"large":18446744073709551615}'
    const { manifests } = JSON.parse(readFileSync(path, 'utf8'))
    const entry = JSON.stringify(manifests[0]).replace('{', '{"x-entry":9007199254740993,')
    writeFileSync(path, `{"schemaVersion":2,${unknown},"manifests":[${entry}]}`)
    let place = `oci:${layout.path}`
    if (kind === 'oci-archive') {
      const archive = join(temporary(t), 'x.tar')
      execFileSync('tar', ['-cf', archive, '-C', layout.path, '.'])
      place = `oci-archive:${archive}`
    }
    await bakeInto(`${place}:1`, `${place}:2`)
    let text = readFileSync(path, 'utf8')
    if (kind === 'oci-archive') {
      await readTar(readFileSync(place.slice('oci-archive:'.length)), async ({ name }, body) => {
        if (name === 'index.json') text = String(await body())
      })
    }
    t.true(text.includes(unknown), text)
    t.true(text.includes(entry), text)
    t.is(JSON.parse(text).manifests.length, 2)
  })
}

test('a second image in the same layout adds three blobs and changes none', async (t) => {
  const layout = await simpleLayout(t)
  const before = contentOf(layout.path)
  await bakeInto(`oci:${layout.path}`, `oci:${layout.path}:1-cds`)
  const after = contentOf(layout.path)
  for (const [name, content] of Object.entries(before)) {
    if (name !== 'index.json' && content !== 'directory') t.is(after[name], content, name)
  }
  t.is(Object.keys(after).length - Object.keys(before).length, 3)
  t.is((await new LocationStore().resolve(`oci:${layout.path}`)).name, `oci:${layout.path}:1`)
})

test('the same bake twice gives the same files', async (t) => {
  const layout = await simpleLayout(t)
  const directory = temporary(t)
  for (const name of ['a', 'b']) {
    await bakeInto(`oci:${layout.path}`, `oci-archive:${join(directory, name)}:1`)
    await bakeInto(`oci:${layout.path}`, `docker-archive:${join(directory, `d${name}`)}:x:1`)
  }
  t.true(readFileSync(join(directory, 'a')).equals(readFileSync(join(directory, 'b'))))
  t.true(readFileSync(join(directory, 'da')).equals(readFileSync(join(directory, 'db'))))
})

test('bakes at the same time do not lose each other', async (t) => {
  const layout = await simpleLayout(t)
  const tags = ['a', 'b', 'c', 'd', 'e']
  await Promise.all(tags.map((tag) => bakeInto(`oci:${layout.path}:1`, `oci:${layout.path}:${tag}`)))
  for (const tag of ['1', ...tags]) await t.notThrowsAsync(readAll(`oci:${layout.path}:${tag}`))
})

test('a lock of a process that is gone does not hold', async (t) => {
  const layout = await simpleLayout(t)
  const lock = join(layout.path, '..', '.pycds-layout.lock')
  const { ownerMark } = await import('../../../src/util/owner.js')
  writeFileSync(lock, ownerMark().replace(/-\d+-\d+-/, '-999999-1-'))
  await bakeInto(`oci:${layout.path}`, `oci:${layout.path}:2`)
  t.false(existsSync(lock))
})

test('an archive keeps the images that it had', async (t) => {
  const layout = await simpleLayout(t)
  const archive = `oci-archive:${join(temporary(t), 'x.tar')}`
  await bakeInto(`oci:${layout.path}`, `${archive}:first`)
  await bakeInto(`oci:${layout.path}`, `${archive}:second`)
  await t.notThrowsAsync(readAll(`${archive}:first`))
  await t.notThrowsAsync(readAll(`${archive}:second`))
})

const refuses = test.macro(
  async (t: ExecutionContext, code: string, make: (layout: LayoutMaker, image: Descriptor) => unknown) => {
    const layout = new LayoutMaker(join(temporary(t), 'layout'))
    const image = await layout.image([[file('a', 'x'.repeat(10_000))]])
    layout.index([named(image, '1')])
    const tag = (await make(layout, image)) ?? '1'
    const before = contentOf(layout.path)
    const directory = temporary(t)
    const run = async () => {
      await readAll(`oci:${layout.path}:${tag}`)
      await bakeInto(`oci:${layout.path}:${tag}`, `oci:${join(directory, 'out')}:1`)
    }
    const error = await t.throwsAsync(run)
    t.is((error as { code?: string }).code, code, error?.message)
    t.deepEqual(contentOf(layout.path), before)
    t.deepEqual(readdirSync(directory), [])
  },
)

const partOf = (layout: LayoutMaker, image: Descriptor) =>
  JSON.parse(readFileSync(layout.blobPath(image), 'utf8')) as { config: Descriptor; layers: [Descriptor] }

test('a missing layer', refuses, 'IMAGE_INVALID', (layout, image) => {
  rmSync(layout.blobPath(partOf(layout, image).layers[0]))
})
test('a missing configuration', refuses, 'IMAGE_INVALID', (layout, image) => {
  rmSync(layout.blobPath(partOf(layout, image).config))
})
test('a missing manifest', refuses, 'IMAGE_INVALID', (layout, image) => rmSync(layout.blobPath(image)))
test('a manifest with another content', refuses, 'IMAGE_INVALID', (layout, image) => {
  const text = readFileSync(layout.blobPath(image), 'utf8')
  writeFileSync(layout.blobPath(image), text.replace('base:1', 'base:2'))
})
test('a layer with another content of the same size', refuses, 'IMAGE_INVALID', (layout, image) => {
  const path = layout.blobPath(partOf(layout, image).layers[0])
  const bytes = readFileSync(path)
  bytes.writeUInt8(bytes.readUInt8(12) ^ 1, 12)
  writeFileSync(path, bytes)
})
test('a layer that is cut off', refuses, 'IMAGE_INVALID', (layout, image) => {
  truncateSync(layout.blobPath(partOf(layout, image).layers[0]), 20)
})
for (const name of ['oci-layout', 'index.json']) {
  test(`a layout whose ${name} is a pipe is refused at once, and nothing waits for it`, async (t) => {
    const layout = await simpleLayout(t)
    const path = join(layout.path, name)
    rmSync(path)
    execFileSync('mkfifo', [path])
    // Whoever waits for a writer has one then.
    t.teardown(() => closeSync(openSync(path, constants.O_RDWR | constants.O_NONBLOCK)))
    t.timeout(20_000)
    await t.throwsAsync(readAll(`oci:${layout.path}`), { code: 'IMAGE_INVALID', message: /it is no file/ })
  })
}
test('gzip data that is cut off, with the right digest', refuses, 'IMAGE_INVALID', async (layout) => {
  const { gzipSync } = await import('node:zlib')
  layout.index([
    named(await layout.image([[file('a', 'x')]], { compress: (tar) => gzipSync(tar).subarray(0, -12) }), '1'),
  ])
})
test('a layer whose content is not its diff id', refuses, 'IMAGE_INVALID', async (layout) => {
  const diff = sha256DiffId(Buffer.from('other'))
  const config = { rootfs: { type: 'layers' as const, diff_ids: [diff] } }
  layout.index([named(await layout.image([[file('a', 'x')]], { config }), '1')])
})
test('a configuration of the wrong shape', refuses, 'IMAGE_INVALID', async (layout) => {
  const config = { config: { Env: 'PATH=/' } } as never
  layout.index([named(await layout.image([[file('a', 'x')]], { config }), '1')])
})
test('fewer layers than diff ids', refuses, 'IMAGE_INVALID', async (layout) => {
  layout.index([named(await layout.image([[file('a', 'x')]], { manifest: { layers: [] } }), '1')])
})
test('an unknown media type of a layer', refuses, 'IMAGE_INVALID', async (layout) => {
  layout.index([named(await layout.image([[file('a', 'x')]], { layerType: 'application/x' }), '1')])
})
test('an unknown media type of a manifest', refuses, 'IMAGE_INVALID', (layout, image) => {
  layout.index([named({ ...image, mediaType: 'application/x' }, '1')])
})
test('a name that is not there', refuses, 'IMAGE_NOT_FOUND', () => 'other')
test('a version of the layout that nobody knows', refuses, 'IMAGE_INVALID', (layout) => {
  writeFileSync(join(layout.path, 'oci-layout'), '{"imageLayoutVersion":"2.0.0"}')
})
test('an index.json that is no JSON', refuses, 'IMAGE_INVALID', (layout) => {
  writeFileSync(join(layout.path, 'index.json'), '{')
})
test('an index.json of the wrong shape', refuses, 'IMAGE_INVALID', (layout) => {
  writeFileSync(join(layout.path, 'index.json'), '{"schemaVersion":2,"manifests":[{"digest":"sha256:12"}]}')
})
test('an index with nothing but attestations', refuses, 'IMAGE_INVALID', (layout, image) => {
  const annotations = { 'vnd.docker.reference.type': 'attestation-manifest' }
  layout.index([named({ ...image, annotations }, '1')])
})
test('an index that is nested without end', refuses, 'IMAGE_INVALID', (layout, image) => {
  let at = image
  for (let depth = 0; depth < 20; depth += 1) {
    at = layout.blob(MEDIA_TYPES.index, { schemaVersion: 2, manifests: [at] })
  }
  layout.index([named(at, '1')])
})
test('a directory that is no layout', async (t) => {
  const error = await t.throwsAsync(new LocationStore().resolve(`oci:${temporary(t)}`))
  t.is((error as { code?: string }).code, 'IMAGE_INVALID')
})
for (const kind of ['oci', 'oci-archive', 'docker-archive']) {
  test(`${kind}: nothing is there`, async (t) => {
    const error = await t.throwsAsync(new LocationStore().resolve(`${kind}:${temporary(t)}/none`))
    t.is((error as { code?: string }).code, 'IMAGE_NOT_FOUND')
  })
}

/** An index of two platforms, an attestation for each, and another index below it. */
async function platforms(t: ExecutionContext) {
  const layout = new LayoutMaker(join(temporary(t), 'layout'))
  const make = async (architecture: string) => {
    const platform = { os: 'linux', architecture }
    const image = await layout.image([[file('a', architecture)]], { architecture, descriptor: { platform } })
    const about = {
      'vnd.docker.reference.type': 'attestation-manifest',
      'vnd.docker.reference.digest': image.digest,
    }
    const unknown = { os: 'unknown', architecture: 'unknown' }
    const manifest = await layout.image([[file('sbom', architecture)]])
    return { image, attestation: { ...manifest, platform: unknown, annotations: about } }
  }
  const [amd64, arm64, s390x] = [await make('amd64'), await make('arm64'), await make('s390x')]
  const nested = layout.blob(MEDIA_TYPES.index, { schemaVersion: 2, manifests: [s390x.image] })
  const index = layout.blob(MEDIA_TYPES.index, {
    schemaVersion: 2,
    mediaType: MEDIA_TYPES.index,
    annotations: { kept: 'annotation' },
    manifests: [amd64.image, arm64.image, amd64.attestation, arm64.attestation, nested],
  })
  layout.index([named(index, 'multi')])
  return { layout, amd64, arm64, nested }
}

test('one platform of an index is replaced; the others keep their digests, and so do their attestations', async (t) => {
  const { layout, amd64, arm64, nested } = await platforms(t)
  const store = new LocationStore({ platform: parsePlatform('linux/arm64') })
  await bakeInto(`oci:${layout.path}`, `oci:${layout.path}:multi-cds`, store)
  const top = JSON.parse(readFileSync(join(layout.path, 'index.json'), 'utf8')) as { manifests: Descriptor[] }
  const entry = top.manifests[1]
  t.truthy(entry)
  if (!entry) return
  const index = JSON.parse(readFileSync(layout.blobPath(entry), 'utf8')) as {
    annotations: object
    manifests: Descriptor[]
  }
  t.deepEqual(index.annotations, { kept: 'annotation' })
  const digests = index.manifests.map(({ digest }) => digest)
  t.is(digests.length, 4)
  t.is(digests[0], amd64.image.digest)
  t.not(digests[1], arm64.image.digest)
  t.deepEqual(index.manifests[1]?.platform, { os: 'linux', architecture: 'arm64' })
  t.is(digests[2], amd64.attestation.digest)
  t.is(digests[3], nested.digest)
  t.deepEqual(await store.platforms(`oci:${layout.path}:multi-cds`), [
    { os: 'linux', architecture: 'amd64' },
    { os: 'linux', architecture: 'arm64' },
    { os: 'linux', architecture: 's390x' },
  ])
})

test('several images of an index are replaced at once, and only their attestations go', async (t) => {
  const { layout, amd64, arm64, nested } = await platforms(t)
  const store = new LocationStore()
  const tar = await packTar([file('added', 'layer')])
  const layer = { tar, diffId: sha256DiffId(tar) }
  const record = { diffId: layer.diffId, createdBy: 'test', comment: '', created: '2024-05-01T12:00:00Z' }
  const ids: string[] = []
  for (const platform of ['linux/amd64', 'linux/s390x']) {
    const one = store.forPlatform(platform)
    const image = await one.resolve(`oci:${layout.path}`)
    const config = appendLayer(await one.readConfig(image), record, { env: {}, labels: {} })
    ids.push(await one.append(image, config, layer))
  }
  const digest = await store.publish(ids, `oci:${layout.path}:multi-cds`)
  const index = JSON.parse(readFileSync(layout.blobPath({ digest } as Descriptor), 'utf8')) as {
    annotations: object
    manifests: Descriptor[]
  }
  t.deepEqual(index.annotations, { kept: 'annotation' })
  const digests = index.manifests.map((entry) => entry.digest)
  t.is(digests.length, 4)
  t.deepEqual(digests.slice(1, 3), [arm64.image.digest, arm64.attestation.digest])
  t.false([amd64.image.digest, nested.digest].some((old) => digests.includes(old)))
  const again = new LocationStore()
  for (const [at, platform] of ['linux/amd64', 'linux/s390x'].entries()) {
    const image = await again.forPlatform(platform).resolve(`oci:${layout.path}:multi-cds`)
    t.is(image.id, ids[at] ?? '')
    t.deepEqual(image.config.config?.Labels, { kept: 'label' })
    t.deepEqual(again.contents(image.id).manifest.annotations, {
      'org.opencontainers.image.base.name': 'base:1',
    })
  }
})

test('an image in a nested index is found and replaced', async (t) => {
  const { layout } = await platforms(t)
  const store = new LocationStore({ platform: parsePlatform('linux/s390x') })
  const id = await bakeInto(`oci:${layout.path}`, `oci:${layout.path}:x`, store)
  const again = new LocationStore({ platform: parsePlatform('linux/s390x') })
  t.is((await again.resolve(`oci:${layout.path}:x`)).id, id)
})

test('an index goes to an archive with all its platforms', async (t) => {
  const { layout } = await platforms(t)
  const archive = `oci-archive:${join(temporary(t), 'x.tar')}:all`
  await bakeInto(`oci:${layout.path}`, archive, new LocationStore({ platform: parsePlatform('linux/amd64') }))
  for (const platform of ['linux/amd64', 'linux/arm64', 'linux/s390x']) {
    const store = new LocationStore({ platform: parsePlatform(platform) })
    t.is(`linux/${(await store.resolve(archive)).architecture}`, platform)
  }
})

test('a platform that is not there', async (t) => {
  const { layout } = await platforms(t)
  const store = new LocationStore({ platform: parsePlatform('linux/riscv64') })
  const error = await t.throwsAsync(store.resolve(`oci:${layout.path}`))
  t.is((error as { code?: string }).code, 'IMAGE_NOT_FOUND')
})

test('an index of a layout that has only some of its platforms can be worked on', async (t) => {
  const { layout, arm64 } = await platforms(t)
  rmSync(layout.blobPath(arm64.image))
  const copy = join(temporary(t), 'copy')
  cpSync(layout.path, copy, { recursive: true })
  const store = () => new LocationStore({ platform: parsePlatform('linux/amd64') })
  await t.notThrowsAsync(bakeInto(`oci:${copy}`, `oci:${copy}:2`, store()))
})

test('an archive with sparse members is named, and not called damage', async (t) => {
  const layout = await simpleLayout(t)
  truncateSync(join(layout.path, 'oci-layout'), 1e6)
  for (const form of [['--format=gnu'], ['--format=pax'], ['--format=pax', '--sparse-version=0.1']]) {
    const file = join(temporary(t), 'x.tar')
    execFileSync('tar', ['-C', layout.path, ...form, '-S', '-cf', file, '.'])
    const error = await t.throwsAsync(new LocationStore().resolve(`oci-archive:${file}`))
    t.regex(error?.message ?? '', /member ".*oci-layout": it is .*sparse/)
    t.notRegex((error as { hint?: string }).hint ?? '', /damaged/)
  }
})
