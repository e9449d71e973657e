// SPDX-License-Identifier: Apache-2.0
import { create } from '@bufbuild/protobuf'
import test from 'ava'
import { ResultSchema } from '../../../src/frontend/gen/gateway_pb.js'
import { imagesOf, replaceImages } from '../../../src/frontend/images.js'

const json = (value: unknown) => Buffer.from(JSON.stringify(value))
const config = (architecture: string) => ({ architecture, os: 'linux', config: { Cmd: ['x'] } })

test('one platform has one configuration', (t) => {
  const result = create(ResultSchema, {
    result: { case: 'ref', value: { id: 'r1' } },
    metadata: { 'containerimage.config': json(config('amd64')) },
  })
  const [image, ...others] = imagesOf(result)
  t.is(others.length, 0)
  t.like(image, { id: undefined, platform: { os: 'linux', architecture: 'amd64', variant: '' } })
})

test('each of several platforms has its own; attestations and all other keys stay', (t) => {
  const result = create(ResultSchema, {
    result: {
      case: 'refs',
      value: { refs: { 'linux/amd64': { id: 'a' }, 'linux/arm64': { id: 'b' }, empty: {} } },
    },
    metadata: {
      'containerimage.config/linux/amd64': json(config('amd64')),
      'containerimage.config/linux/arm64': json({ ...config('arm64'), variant: 'v8' }),
      'containerimage.config/empty': json(config('s390x')),
      'refs.platforms': Buffer.from('as it came'),
    },
    attestations: { 'linux/amd64': Buffer.from('sbom') },
  })
  const images = imagesOf(result)
  t.deepEqual(
    images.map((image) => image.platform.architecture),
    ['amd64', 'arm64'],
  )
  const [first] = images
  if (!first) return t.fail('no image')
  const ref = { ...first.ref, id: 'new' }
  const changed = replaceImages(result, [{ ...first, ref, config: { ...first.config, variant: 'v2' } }])
  t.like(JSON.parse(Buffer.from(changed.metadata['containerimage.config/linux/amd64'] ?? []).toString()), {
    variant: 'v2',
  })
  t.deepEqual(Buffer.from(changed.metadata['refs.platforms'] ?? []).toString(), 'as it came')
  t.deepEqual(Buffer.from(changed.attestations['linux/amd64'] ?? []).toString(), 'sbom')
  if (changed.result.case !== 'refs') return t.fail('not several')
  t.is(changed.result.value.refs['linux/amd64']?.id, 'new')
  t.is(changed.result.value.refs['linux/arm64']?.id, 'b')
})

test('what is no image is left alone', (t) => {
  const noConfig = { result: { case: 'ref' as const, value: { id: 'r' } } }
  t.deepEqual(imagesOf(create(ResultSchema, noConfig)), [])
  t.deepEqual(
    imagesOf(create(ResultSchema, { ...noConfig, metadata: { 'containerimage.config': Buffer.from('{') } })),
    [],
  )
  t.deepEqual(
    imagesOf(create(ResultSchema, { ...noConfig, metadata: { 'containerimage.config': json({}) } })),
    [],
  )
  t.deepEqual(imagesOf(create(ResultSchema, {})), [])
})
