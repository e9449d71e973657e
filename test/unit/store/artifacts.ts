// SPDX-License-Identifier: Apache-2.0
// What lies beside images, and images without names: a location means one image or none, never the wrong one.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { type Descriptor, MEDIA_TYPES, sha256DiffId } from '../../../src/image/index.js'
import { parsePlatform } from '../../../src/oci/index.js'
import { LocationStore } from '../../../src/store/locations/index.js'
import { packTar } from '../../../src/tar/index.js'
import { LayoutMaker, named } from '../../helpers/layout.js'
import { file } from '../../helpers/tar.js'
import { temporary } from '../../helpers/temporary.js'

const EMPTY = 'application/vnd.oci.empty.v1+json'
const SIGNING = 'application/vnd.dev.cosign.simplesigning.v1+json'

/** Something that is no image, which says something of one. */
type Artifact = (layout: LayoutMaker, image: Descriptor) => Descriptor

function artifact(layout: LayoutMaker, manifest: object, entry: Partial<Descriptor> = {}): Descriptor {
  const layers = [layout.blob('application/spdx+json', { name: 'sbom' })]
  const config = layout.blob(EMPTY, {})
  return layout.blob(MEDIA_TYPES.manifest, { schemaVersion: 2, config, layers, ...manifest }, entry)
}

const ARTIFACTS: Record<string, Artifact> = {
  'an artifact with a type and a subject': (layout, subject) =>
    artifact(layout, { artifactType: 'application/spdx+json', subject }),
  'an artifact whose type only the entry tells': (layout) =>
    artifact(layout, {}, { artifactType: 'application/spdx+json' }),
  'an artifact with an empty configuration': (layout) => artifact(layout, {}),
  'a signature by tag': (layout, { digest }) =>
    named(
      artifact(layout, {
        config: layout.blob(MEDIA_TYPES.config, {
          ...{ architecture: '', os: '', created: '0001-01-01T00:00:00Z', config: {} },
          rootfs: { type: 'layers', diff_ids: [digest] },
        }),
        layers: [layout.blob(SIGNING, { critical: {} })],
      }),
      `${digest.replace(':', '-')}.sig`,
    ),
  'an attestation of buildx': (layout, { digest }) =>
    artifact(
      layout,
      { config: layout.blob(MEDIA_TYPES.config, { architecture: 'unknown', os: 'unknown' }) },
      {
        platform: { os: 'unknown', architecture: 'unknown' },
        annotations: {
          'vnd.docker.reference.type': 'attestation-manifest',
          'vnd.docker.reference.digest': digest,
        },
      },
    ),
  'a chart': (layout) =>
    artifact(layout, { config: layout.blob('application/vnd.cncf.helm.config.v1+json', { name: 'chart' }) }),
  'an artifact manifest of the first candidates': (layout, subject) =>
    layout.blob('application/vnd.oci.artifact.manifest.v1+json', { artifactType: 'x', blobs: [], subject }),
  'a list of referrers': (layout, image) => {
    const about = artifact(layout, { artifactType: 'application/spdx+json', subject: image })
    return named(
      layout.blob(MEDIA_TYPES.index, { schemaVersion: 2, manifests: [about] }),
      image.digest.replace(':', '-'),
    )
  },
}

const newLayout = (t: ExecutionContext) => new LayoutMaker(join(temporary(t), 'layout'))
const imageOf = (layout: LayoutMaker, content: string, architecture = 'amd64') =>
  layout.image([[file('a', content)]], { architecture })

/** Names and digests of the entries of a layout. */
function entriesOf(layout: LayoutMaker): [string | undefined, string][] {
  const { manifests } = JSON.parse(readFileSync(join(layout.path, 'index.json'), 'utf8'))
  const name = 'org.opencontainers.image.ref.name'
  return (manifests as Descriptor[]).map(({ annotations, digest }) => [annotations?.[name], digest])
}

/** Gives the only image of a layout another name, as a bake does with what it made of it. */
async function tag(layout: LayoutMaker, name: string, store = new LocationStore()): Promise<string> {
  const { id } = await store.resolve(`oci:${layout.path}`)
  return (await store.tag(id, `oci:${layout.path}:${name}`)).manifest ?? ''
}

for (const [what, make] of Object.entries(ARTIFACTS)) {
  for (const name of [undefined, '1']) {
    test(`${what} beside an image ${name ?? 'without a name'} is no choice, and gets no tag`, async (t) => {
      const layout = newLayout(t)
      const image = await imageOf(layout, 'x')
      const other = make(layout, image)
      for (const order of [
        [other, image],
        [image, other],
      ]) {
        layout.index(order.map((one) => (one === image && name !== undefined ? named(image, name) : one)))
        t.is(await tag(layout, 'new'), image.digest)
        t.deepEqual(
          entriesOf(layout).filter(([found]) => found === 'new'),
          [['new', image.digest]],
        )
        t.is(entriesOf(layout).length, 3)
      }
    })
  }

  test(`${what} in the index of an image is no choice, and stays where it is`, async (t) => {
    const layout = newLayout(t)
    const image = await imageOf(layout, 'x')
    const other = make(layout, image)
    layout.index([
      named(layout.blob(MEDIA_TYPES.index, { schemaVersion: 2, manifests: [other, image] }), '1'),
    ])
    const { id } = await new LocationStore().resolve(`oci:${layout.path}`)
    t.truthy(id)
    t.deepEqual(await new LocationStore().platforms(`oci:${layout.path}`), [
      { os: 'linux', architecture: 'amd64' },
    ])
    const before = entriesOf(layout)
    t.is(await tag(layout, 'new'), before[0]?.[1] ?? '')
  })

  test(`${what} that is all there is is called what it is`, async (t) => {
    const layout = newLayout(t)
    layout.index([make(layout, await imageOf(layout, 'x'))])
    const error = await t.throwsAsync(new LocationStore().resolve(`oci:${layout.path}`))
    t.regex(error?.message ?? '', /it holds no image, only what is said of images$/)
  })
}

test('two images without a name are two: one is asked for, by its digest', async (t) => {
  const layout = newLayout(t)
  const images = [await imageOf(layout, 'x'), await imageOf(layout, 'y')]
  layout.index(images)
  const error = await t.throwsAsync(new LocationStore().resolve(`oci:${layout.path}`))
  t.is((error as { code?: string }).code, 'IMAGE_NOT_FOUND')
  t.regex(error?.message ?? '', /several images/)
  for (const { digest } of images) {
    t.true(String((error as { hint?: string }).hint).includes(`@${digest}`))
    const store = new LocationStore()
    const { id } = await store.resolve(`oci:${layout.path}:@${digest}`)
    t.is((await store.tag(id, `oci:${layout.path}:${digest.slice(-4)}`)).manifest, digest)
  }
  t.is(entriesOf(layout).length, 4)
})

test('two images of one name are two as well', async (t) => {
  const layout = newLayout(t)
  layout.index([named(await imageOf(layout, 'x'), '1'), named(await imageOf(layout, 'y'), '1')])
  const error = await t.throwsAsync(new LocationStore().resolve(`oci:${layout.path}:1`))
  t.is((error as { code?: string }).code, 'IMAGE_NOT_FOUND')
  t.regex(String((error as { hint?: string }).hint), /^Name one of: @sha256:/)
})

test('one image under two entries is one', async (t) => {
  const layout = newLayout(t)
  const image = await imageOf(layout, 'x')
  layout.index([image, image])
  t.is(await tag(layout, 'new'), image.digest)
})

test('of images without a name for different platforms, only the chosen one gets the new name', async (t) => {
  const layout = newLayout(t)
  const [amd64, arm64] = [await imageOf(layout, 'x'), await imageOf(layout, 'y', 'arm64')]
  layout.index([amd64, arm64])
  const store = new LocationStore({ platform: parsePlatform('linux/arm64') })
  t.is(await tag(layout, 'new', store), arm64.digest)
  t.deepEqual(entriesOf(layout), [
    [undefined, amd64.digest],
    [undefined, arm64.digest],
    ['new', arm64.digest],
  ])
})

test('what a bake wrote beside an image without a name is no choice', async (t) => {
  const layout = newLayout(t)
  const image = await imageOf(layout, 'x')
  layout.index([image])
  await tag(layout, 'latest-cds')
  t.is(await tag(layout, 'again'), image.digest)
})

test('an artifact about an image that is replaced goes with it', async (t) => {
  const layout = newLayout(t)
  const image = await imageOf(layout, 'x')
  const about = artifact(layout, { artifactType: 'application/spdx+json', subject: image })
  const index = { schemaVersion: 2, manifests: [image, about] }
  layout.index([named(layout.blob(MEDIA_TYPES.index, index), '1')])
  const store = new LocationStore()
  const source = await store.resolve(`oci:${layout.path}`)
  const tar = await packTar([file('added', 'layer')])
  const diffId = sha256DiffId(tar)
  const config = {
    ...source.config,
    rootfs: { type: 'layers' as const, diff_ids: [...source.diffIds, diffId] },
  }
  const id = await store.append(source, config, { tar, diffId })
  const { manifest } = await store.tag(id, `oci:${layout.path}:new`)
  const made = JSON.parse(readFileSync(layout.blobPath({ digest: manifest as Descriptor['digest'] }), 'utf8'))
  t.is(made.manifests.length, 1)
})

test('an entry with another digest algorithm is no obstacle, and named where it is asked for', async (t) => {
  const layout = newLayout(t)
  const image = await imageOf(layout, 'x')
  const other = { ...image, digest: `sha512:${'0'.repeat(128)}` as Descriptor['digest'] }
  layout.index([named(other, 'other'), named(image, '1')])
  const store = new LocationStore()
  const { id } = await store.resolve(`oci:${layout.path}:1`)
  await store.tag(id, `oci:${layout.path}:new`)
  t.is(entriesOf(layout).length, 3)
  const error = await t.throwsAsync(store.resolve(`oci:${layout.path}:other`))
  t.regex(error?.message ?? '', /manifest sha512:0+: its digest is of the algorithm sha512, and only sha256/)
  t.false(String((error as { hint?: string }).hint).includes('damaged'))
})
