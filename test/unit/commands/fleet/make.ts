// SPDX-License-Identifier: Apache-2.0
import test from 'ava'
import { findMade, type MakeInput, mayBeMade } from '../../../../src/commands/fleet/make.js'
import { PycdsError } from '../../../../src/errors/index.js'
import { type DiffId, validateConfig } from '../../../../src/image/index.js'
import { LABELS } from '../../../../src/marks/marks.js'
import type { SourceImage } from '../../../../src/ports/index.js'
import type { BakeRequest } from '../../../../src/usecases/bake-request.js'
import { bakeKey } from '../../../../src/usecases/key.js'
import type { BakeResult } from '../../../../src/usecases/result.js'
import { RESULT } from '../../../helpers/results.js'

/** A bake of which an earlier run has kept such a result. */
const after = (result: BakeResult | null, state: 'baked' | 'failed' = 'baked') =>
  ({
    flags: { 'skip-unchanged': false },
    before: { name: 'a', state, key: RESULT.key, seconds: 1, result, error: null },
  }) as unknown as MakeInput

test('what an earlier run has made is looked for, and what it has only tried is not', (t) => {
  t.true(mayBeMade(after(RESULT)))
  t.false(mayBeMade(after({ ...RESULT, output: null })))
  t.false(mayBeMade(after(null, 'failed')))
})

const image = (more: Partial<SourceImage>): SourceImage => ({
  ...{ reference: 'registry:r.example/a:1', name: 'registry:r.example/a:1', id: 'sha256:a' },
  ...{ os: 'linux', architecture: 'amd64', layers: 1, diffIds: ['sha256:l' as DiffId] },
  ...{
    config: validateConfig(
      { os: 'linux', architecture: 'amd64', rootfs: { type: 'layers', diff_ids: [] } },
      'a',
    ),
  },
  ...more,
})
const REQUEST = {
  ...{ reference: 'registry:r.example/a:1', traces: [], gates: {} },
  surroundings: { env: {}, mounts: [], hosts: [] },
} as unknown as BakeRequest

async function look(
  source: Partial<SourceImage>,
  made: Partial<SourceImage> | undefined,
  more: Partial<MakeInput> = {},
) {
  const from = image({ manifest: 'sha256:m', ...source })
  const layer = 'sha256:n' as DiffId
  const labels = { [LABELS.key]: bakeKey(REQUEST, from), [LABELS.layer]: layer }
  const config = { ...from.config, config: { Labels: labels } }
  const resolve = async (reference: string) => {
    if (reference === from.reference) return from
    if (made === undefined) throw new PycdsError('IMAGE_NOT_FOUND', { message: reference, hint: '' })
    return image({ reference, config, diffIds: [layer], manifest: 'sha256:new', ...made })
  }
  const lookups = { store: { resolve }, outputs: { store: { resolve } }, close: async () => undefined }
  const input = {
    request: REQUEST,
    platforms: [],
    flags: { 'skip-unchanged': true },
    before: undefined,
    ...more,
  }
  return await findMade(input as unknown as MakeInput, lookups, new AbortController().signal)
}

test('an index is unchanged when what stays in it is', async (t) => {
  const besides = ['sha256:arm', 'sha256:m']
  t.truthy(await look({ besides }, { besides: ['sha256:arm', 'sha256:new'] }))
  t.is(await look({ besides }, { besides: ['sha256:old', 'sha256:new'] }), undefined)
  t.is(await look({ besides }, { besides: ['sha256:arm', 'sha256:new', 'sha256:more'] }), undefined)
  t.is(await look({ besides }, undefined), undefined)
})

test('what an earlier run has made under another name is not what is asked for', async (t) => {
  const key = bakeKey(REQUEST, image({ manifest: 'sha256:m' }))
  const before = (reference: string) =>
    ({
      ...after({ ...RESULT, output: { ...RESULT.output, reference } } as BakeResult),
      before: {
        name: 'a',
        state: 'baked',
        key,
        seconds: 1,
        error: null,
        result: { ...RESULT, output: { ...RESULT.output, reference } },
      },
      request: REQUEST,
    }) as unknown as Partial<MakeInput>
  t.is(await look({}, undefined, before('registry:r.example/a:1-cds')), 'as before')
  t.is(await look({}, undefined, before('registry:r.example/other:1')), undefined)
})
