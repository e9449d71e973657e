// SPDX-License-Identifier: Apache-2.0
import { Readable } from 'node:stream'
import test from 'ava'
import { hexOf, type ImageConfig, sha256Digest } from '../../../../src/image/index.js'
import type { SourceImage } from '../../../../src/ports/index.js'
import { readExportedConfig } from '../../../../src/store/docker-daemon/exported-config.js'
import { packTar, type TarEntry } from '../../../../src/tar/index.js'
import { sampleConfig } from '../../../helpers/image.js'
import { file, symlink } from '../../../helpers/tar.js'

const CONFIG = sampleConfig()
/** Spaces that a plain rewrite would lose: the id is that of exactly these bytes. */
const BYTES = Buffer.from(JSON.stringify(CONFIG, null, 3))
const HEX = hexOf(sha256Digest(BYTES))
const LAYER = file('aa/layer.tar', Buffer.alloc(9 * 1024 * 1024))

function image(id: string, config: ImageConfig = CONFIG): SourceImage {
  const diffIds = config.rootfs.diff_ids
  return {
    reference: 'app:1',
    id,
    config,
    os: 'linux',
    architecture: 'amd64',
    layers: diffIds.length,
    diffIds,
  }
}

function manifest(config: string): TarEntry {
  return file('manifest.json', JSON.stringify([{ Config: config, RepoTags: null, Layers: ['aa/layer.tar'] }]))
}

async function archive(...entries: TarEntry[]): Promise<Readable> {
  const tar = await packTar(entries)
  const chunks: Buffer[] = []
  for (let at = 0; at < tar.length; at += 60_000) chunks.push(tar.subarray(at, at + 60_000))
  return Readable.from(chunks)
}

test('classic form: the configuration is the document that the id is the hash of', async (t) => {
  const source = await archive(
    file('aa/json', '{"id":"aa"}'),
    LAYER,
    symlink('bb/layer.tar', '../aa/layer.tar'),
    file(`${HEX}.json`, BYTES),
    manifest(`${HEX}.json`),
  )
  t.deepEqual((await readExportedConfig(source, image(`sha256:${HEX}`))).config, CONFIG)
  t.true(source.destroyed)
})

test('OCI form on a classic store: the id is the configuration', async (t) => {
  const path = `blobs/sha256/${HEX}`
  const source = await archive(file('oci-layout', '{}'), file(path, BYTES), LAYER, manifest(path))
  t.deepEqual((await readExportedConfig(source, image(`sha256:${HEX}`))).config, CONFIG)
})

test('OCI form on a containerd store: the id is a manifest, which names the configuration', async (t) => {
  const document = Buffer.from(JSON.stringify({ schemaVersion: 2, config: { digest: `sha256:${HEX}` } }))
  const id = sha256Digest(document)
  const path = `blobs/sha256/${HEX}`
  for (const order of [
    [file(path, BYTES), file(`blobs/sha256/${hexOf(id)}`, document), manifest(path)],
    [manifest(path), file(`blobs/sha256/${hexOf(id)}`, document), file(path, BYTES)],
  ]) {
    t.deepEqual((await readExportedConfig(await archive(...order), image(id))).config, CONFIG)
  }
})

const rejects = test.macro(async (t, entries: TarEntry[], id: string = `sha256:${HEX}`) => {
  await t.throwsAsync(readExportedConfig(await archive(...entries), image(id)), { code: 'IMAGE_INVALID' })
})
const other = Buffer.from(BYTES.toString().replace('amd64', 'arm64'))
test('another document under its name is refused', rejects, [
  file(`${HEX}.json`, other),
  manifest(`${HEX}.json`),
])
test('an export without a configuration is refused', rejects, [LAYER, manifest(`${HEX}.json`)])
test('an export without a manifest is refused', rejects, [LAYER])
test('a manifest that is no JSON is refused', rejects, [file('manifest.json', '{')])
test('a manifest of another shape is refused', rejects, [file('manifest.json', '{"Config":1}')])
test(
  'on a containerd store, the configuration of other layers is refused',
  rejects,
  [file(`${'1'.repeat(64)}.json`, BYTES), manifest(`${'1'.repeat(64)}.json`)],
  `sha256:${'2'.repeat(64)}`,
)

test('an export that is cut off is refused', async (t) => {
  const tar = (await packTar([LAYER, manifest(`${HEX}.json`)])).subarray(0, 100_000)
  await t.throwsAsync(readExportedConfig(Readable.from([tar]), image(`sha256:${HEX}`)), {
    code: 'IMAGE_INVALID',
  })
})
