// SPDX-License-Identifier: Apache-2.0
import test from 'ava'
import { PycdsError } from '../../../../src/errors/index.js'
import {
  assertDistinct,
  type Entry,
  expandEntries,
  outputOf,
  withoutOutputs,
} from '../../../../src/usecases/fleet/index.js'

const entry = (image: string, more: Partial<Entry> = {}): Entry => ({
  name: image,
  image,
  words: [],
  ...more,
})
const listing =
  (...names: string[]) =>
  async () =>
    names.map((name) => ({ name }))
const imagesOf = (entries: readonly { image: string }[]) => entries.map(({ image }) => image)

test('a pattern gives its images by name, less those that are named as they are', async (t) => {
  const entries = [entry('app:*', { words: ['--pyc=off'] }), entry('app:2', { words: ['--pyc=all'] })]
  const found = await expandEntries(entries, listing('app:3', 'app:2', 'app:1'))
  t.deepEqual(imagesOf(found), ['app:1', 'app:3', 'app:2'])
  t.deepEqual(found.at(-1)?.words, ['--pyc=all'])
})

test('an image that two patterns fit belongs to the first', async (t) => {
  const found = await expandEntries(
    [entry('a:*', { name: 'first' }), entry('*:1', { name: 'second' })],
    listing('a:1'),
  )
  t.deepEqual(
    found.map(({ name, entry: from, failure }) => [name, from, failure?.code]),
    [['a:1', 'first', undefined]],
  )
})

test('images of the engine that a bake has made are no sources', async (t) => {
  const list = async () => [
    { name: 'app:1', labels: {} },
    { name: 'app:fast', labels: { 'io.pycds.layer': 'sha256:1' } },
  ]
  t.deepEqual(imagesOf(await expandEntries([entry('app:*')], list)), ['app:1'])
})

test('neither is what another image of the run is baked into', (t) => {
  const images = ['oci:d:1', 'oci:d:1-cds', 'oci:d:1-cds-cds', 'oci:d:2-cds'].map((image) => ({
    image,
    isFound: true,
    output: outputOf({ image }),
  }))
  t.deepEqual(imagesOf(withoutOutputs(images)), ['oci:d:1', 'oci:d:2-cds'])
  const engine = [
    { image: 'app', isFound: true, output: outputOf({ image: 'app', tag: 'app:latest-x' }) },
    { image: 'app:latest-x', isFound: true, output: outputOf({ image: 'app:latest-x' }) },
  ]
  t.deepEqual(imagesOf(withoutOutputs(engine)), ['app'])
})

test('names and files of an entry are filled in for each image, other options are not', async (t) => {
  const words = ['--tag={repository}:{tag}-x', '--sbom=out/{name}.json', '--train-env=A={tag}']
  const [one] = await expandEntries([entry('host:5000/t/*:*', { words })], listing('host:5000/t/app:1'))
  t.deepEqual(one?.words, ['--tag=t/app:1-x', '--sbom=out/host_5000_t_app_1.json', '--train-env=A={tag}'])
  const [layout] = await expandEntries(
    [entry('oci:b/*:*', { words: ['--output=oci:f/{repository}:{tag}'] })],
    listing('oci:b/web:1'),
  )
  t.deepEqual(layout?.words, ['--output=oci:f/web:1'])
})

test('a pattern that fits nothing or cannot be looked up is a failure of its own', async (t) => {
  const [none] = await expandEntries([entry('app:*')], listing())
  t.is(none?.failure?.code, 'IMAGE_NOT_FOUND')
  const gone = async () => {
    throw new PycdsError('ENGINE_UNREACHABLE', { message: 'engine: gone', hint: 'Start it.' })
  }
  const both = await expandEntries([entry('app:*'), entry('oci:d:1')], gone)
  t.deepEqual(
    both.map(({ failure }) => failure?.code),
    ['ENGINE_UNREACHABLE', undefined],
  )
})

test('two images that would get one name are refused', (t) => {
  const both = ['a:1', 'b:1'].map((image) => ({
    name: image,
    output: outputOf({ image, tag: 'fast' }),
    files: [],
  }))
  t.is((t.throws(() => assertDistinct(both)) as unknown as PycdsError).code, 'USAGE')
  t.notThrows(() =>
    assertDistinct(['a:1', 'b:1'].map((image) => ({ name: image, output: outputOf({ image }), files: [] }))),
  )
})

test('an image is the same one however its name is written', async (t) => {
  const list = listing('docker.io/team/web:2', 'oci:./lay/a:1', 'registry:r.example/b:latest', 'web:3')
  const named = ['team/web:2', 'oci:lay/a:1', 'docker://r.example/b', 'docker.io/library/web:3']
  const found = await expandEntries([...named.map((image) => entry(image)), entry('**')], list)
  t.deepEqual(imagesOf(found), named)
})

test('a pattern that is not looked up gives nothing, and what is named is still none of its images', async (t) => {
  const entries = [entry('app:*'), entry('app:1'), entry('other:*')]
  const isLookedUp = ({ image }: Entry) => image === 'app:*'
  const found = await expandEntries(entries, listing('app:1', 'app:2'), isLookedUp)
  t.deepEqual(imagesOf(found), ['app:2', 'app:1'])
})

test('two images that would write one file are refused, and so are two forms of one archive', (t) => {
  const becomes = (...outputs: string[]) =>
    outputs.map((output, at) => ({
      name: `${at}`,
      output: outputOf({ image: `a:${at}`, output }),
      files: [],
    }))
  for (const pair of [
    ['oci:out:x', 'oci:./out:x'],
    ['docker.io/team/z:1', 'team/z:1'],
    ['docker-archive:o.tar:a:1', 'oci-archive:o.tar:b'],
  ])
    t.throws(() => assertDistinct(becomes(...pair)), { code: 'USAGE' }, pair.join(' '))
  t.notThrows(() => assertDistinct(becomes('docker-archive:o.tar:a:1', 'docker-archive:o.tar:b:1')))
  const files = ['p.json', './p.json'].map((file, at) => ({
    name: `${at}`,
    output: undefined,
    files: [file],
  }))
  t.throws(() => assertDistinct(files), { message: /would write .*p\.json, and so would 0/ })
})

test('what a place without a name becomes is not known before it is looked at', (t) => {
  t.is(outputOf({ image: 'oci:d' }), undefined)
  t.is(outputOf({ image: 'app' }), 'app:latest-cds')
})
