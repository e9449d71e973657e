// SPDX-License-Identifier: Apache-2.0
import test from 'ava'
import {
  configMember,
  hexOfDocument,
  isDescription,
  layerMember,
  layerName,
  MANIFEST,
  manifestMember,
  parseItems,
} from '../../../src/docker-archive/index.js'
import type { Digest } from '../../../src/image/index.js'
import { diffId } from '../../helpers/image.js'

const HEX = 'c'.repeat(64)
const DIGEST = `sha256:${HEX}` as Digest

test('what is written can be read', (t) => {
  const config = configMember(DIGEST, Buffer.from('{}'))
  const layer = layerMember(diffId('a'), Buffer.from('tar'))
  t.is(hexOfDocument(config.name), HEX)
  t.is(hexOfDocument(layer.name), undefined)
  const items = [{ Config: config.name, RepoTags: ['app:1'], Layers: [layerName(diffId('a'))] }]
  const list = manifestMember(items)
  t.is(list.name, MANIFEST)
  t.deepEqual(parseItems(JSON.parse(list.body?.toString() ?? '')), items)
})

test('a configuration may be a blob, as newer engines write it', (t) => {
  t.is(hexOfDocument(`blobs/sha256/${HEX}`), HEX)
  t.is(hexOfDocument(`x/${HEX}`), undefined)
})

test('an image without a name has null, or no field, for its names', (t) => {
  const unnamed = [
    { Config: 'a', RepoTags: null, Layers: [] },
    { Config: 'b', Layers: ['c'] },
  ]
  t.deepEqual(parseItems(unnamed), unnamed)
})

for (const [what, value] of [
  ['nothing', undefined],
  ['a mapping', { Config: 'a', Layers: [] }],
  ['a list with an image that is null', [null]],
  ['an image without layers', [{ Config: 'a' }]],
  ['a layer that is no text', [{ Config: 'a', Layers: [1] }]],
] as const) {
  test(`${what} is no list of images`, (t) => t.is(parseItems(value), undefined))
}

test('what describes a whole archive is told from what images are made of', (t) => {
  t.true([MANIFEST, 'repositories', 'index.json', 'oci-layout'].every(isDescription))
  t.false([`${HEX}.json`, `${HEX}/layer.tar`, `blobs/sha256/${HEX}`].some(isDescription))
})
