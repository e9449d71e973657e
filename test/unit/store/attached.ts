// SPDX-License-Identifier: Apache-2.0
// Statements beside an image: an artifact about its manifest, in no one's way.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import test from 'ava'
import { type Descriptor, type Index, type Manifest, MEDIA_TYPES } from '../../../src/image/index.js'
import { LocationStore, listLocations } from '../../../src/store/locations/index.js'
import { bakeInto, named, simpleLayout } from '../../helpers/layout.js'
import { temporary } from '../../helpers/temporary.js'

const SAID = [
  { predicateType: 'https://example.com/one', body: Buffer.from('{"a":1}') },
  { predicateType: 'https://example.com/two', body: Buffer.from('{"b":2}') },
]

/** Gives an image of a layout another name, with statements about it. */
async function tagWith(source: string, output: string): Promise<string> {
  const store = new LocationStore()
  const { id } = await store.resolve(source)
  const subjects: string[] = []
  await store.tag(id, output, (manifest) => {
    subjects.push(manifest)
    return SAID
  })
  return subjects.join()
}

test('a layout holds the statements in one artifact whose subject is the image', async (t) => {
  const { path } = await simpleLayout(t)
  const subject = await tagWith(`oci:${path}:1`, `oci:${path}:2`)
  const blob = ({ digest }: Pick<Descriptor, 'digest'>) =>
    readFileSync(join(path, 'blobs', digest.replace(':', '/')), 'utf8')
  const { manifests } = JSON.parse(readFileSync(join(path, 'index.json'), 'utf8')) as Index
  const artifact = manifests.at(-1) as Descriptor
  t.is(artifact.annotations?.['vnd.docker.reference.digest'], subject)
  const manifest = JSON.parse(blob(artifact)) as Manifest
  t.is(manifest.subject?.digest ?? '', subject)
  t.is(manifest.subject?.size, blob({ digest: subject as Descriptor['digest'] }).length)
  t.is(manifest.artifactType, 'application/vnd.docker.attestation.manifest.v1+json')
  t.is(blob(manifest.config), '{}')
  t.deepEqual(
    manifest.layers.map((layer) => [layer.annotations?.['in-toto.io/predicate-type'], blob(layer)]),
    SAID.map(({ predicateType, body }) => [predicateType, String(body)]),
  )
})

test('they are in the way of no image, and the same ones are there once', async (t) => {
  const { path } = await simpleLayout(t)
  await tagWith(`oci:${path}:1`, `oci:${path}:1`)
  await tagWith(`oci:${path}:1`, `oci:${path}:1`)
  const { manifests } = JSON.parse(readFileSync(join(path, 'index.json'), 'utf8')) as Index
  t.is(manifests.length, 2)
  // The only image is still the only one.
  t.is((await new LocationStore().resolve(`oci:${path}`)).name, `oci:${path}:1`)
  t.deepEqual(await listLocations(`oci:${path}:*`), [{ name: `oci:${path}:1` }])
})

test('in an index the artifact has its place behind the image, and goes with it', async (t) => {
  const layout = await simpleLayout(t)
  const { path } = layout
  const { manifests: single } = JSON.parse(readFileSync(join(path, 'index.json'), 'utf8')) as Index
  const image = {
    ...(single[0] as Descriptor),
    platform: { os: 'linux', architecture: 'amd64' },
    annotations: {},
  }
  layout.index([named(layout.blob(MEDIA_TYPES.index, { schemaVersion: 2, manifests: [image] }), '1')])
  const inside = () => {
    const { manifests } = JSON.parse(readFileSync(join(path, 'index.json'), 'utf8')) as Index
    t.deepEqual(
      manifests.map((entry) => entry.mediaType),
      manifests.map(() => MEDIA_TYPES.index),
    )
    const { digest = '' } = manifests.at(-1) ?? {}
    return (JSON.parse(readFileSync(join(path, 'blobs', digest.replace(':', '/')), 'utf8')) as Index)
      .manifests
  }
  const store = new LocationStore()
  const { id } = await store.resolve(`oci:${path}:1`)
  await store.publish([id], `oci:${path}:2`, new Map([[id, () => SAID]]))
  const [first, artifact, ...others] = inside()
  t.deepEqual(others, [])
  t.is(first?.digest, image.digest)
  t.is(artifact?.annotations?.['vnd.docker.reference.digest'], image.digest)
  t.deepEqual(artifact?.platform, { os: 'unknown', architecture: 'unknown' })
  // It says nothing of another image.
  await bakeInto(`oci:${path}:2`, `oci:${path}:3`)
  t.deepEqual(
    inside().map(({ platform }) => platform?.os),
    ['linux'],
  )
})

test('an archive of a layout holds them too, one of Docker has no place for them', async (t) => {
  const { path } = await simpleLayout(t)
  const folder = temporary(t)
  const subject = await tagWith(`oci:${path}:1`, `oci-archive:${folder}/a.tar:1`)
  t.regex(readFileSync(join(folder, 'a.tar'), 'latin1'), /application\/vnd\.in-toto\+json/)
  t.is((await new LocationStore().resolve(`oci-archive:${folder}/a.tar`)).manifest, subject)
  await tagWith(`oci:${path}:1`, `docker-archive:${folder}/d.tar:app:1`)
  t.notRegex(readFileSync(join(folder, 'd.tar'), 'latin1'), /in-toto/)
  t.is((await new LocationStore().resolve(`docker-archive:${folder}/d.tar`)).manifest, undefined)
})
