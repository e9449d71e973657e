// SPDX-License-Identifier: Apache-2.0
import test from 'ava'
import { appendLayer, type LayerRecord, removeLayer } from '../../../src/image/index.js'
import { deepFreeze, diffId, sampleConfig } from '../../helpers/image.js'

const LAYER: LayerRecord = {
  diffId: diffId('c'),
  createdBy: 'pycds-image bake',
  comment: 'archive',
  created: '2024-05-01T12:00:00.123456789Z',
}
const ADDITION = { env: { PYCDS_ARCHIVE: '/opt/pycds/app.cds' }, labels: { 'io.pycds.version': '1' } }
const REMOVAL = { unsetEnv: ['PYCDS_ARCHIVE'], unsetLabels: ['io.pycds.version'] }

test('a layer goes on top with its history, variables and labels; all else stays', (t) => {
  const config = deepFreeze(sampleConfig())
  const made = appendLayer(config, LAYER, ADDITION)
  t.deepEqual(made, {
    ...config,
    config: {
      ...config.config,
      Env: ['PATH=/usr/bin', 'PYTHONUNBUFFERED=1', 'PYCDS_ARCHIVE=/opt/pycds/app.cds'],
      Labels: { maintainer: 'someone', 'io.pycds.version': '1' },
    },
    rootfs: { type: 'layers', diff_ids: [diffId('a'), diffId('b'), diffId('c')] },
    history: [
      ...(config.history ?? []),
      { created: LAYER.created, created_by: LAYER.createdBy, comment: LAYER.comment },
    ],
  })
  t.deepEqual(Object.keys(made), Object.keys(config))
})

test('the same input gives the same bytes', (t) => {
  const make = () => JSON.stringify(appendLayer(sampleConfig(), LAYER, ADDITION))
  t.is(make(), make())
})

test('a layer that was appended can be removed again without a trace', (t) => {
  const config = deepFreeze(sampleConfig())
  const made = deepFreeze(appendLayer(config, LAYER, ADDITION))
  t.is(JSON.stringify(removeLayer(made, LAYER.diffId, REMOVAL)), JSON.stringify(config))
})

test('a program that stands in front of the entrypoint goes with its layer', (t) => {
  const launcher = '/opt/pycds/start'
  const append = (Entrypoint: string[] | null | undefined) =>
    appendLayer(sampleConfig({ config: Entrypoint === undefined ? {} : { Entrypoint } }), LAYER, {
      ...ADDITION,
      launcher,
    })
  for (const [before, after] of [
    [
      ['python3', 'app.py'],
      [launcher, 'python3', 'app.py'],
    ],
    [null, [launcher]],
    [undefined, [launcher]],
  ] as const) {
    const made = append(before && [...before])
    t.deepEqual(made.config?.Entrypoint, after)
    const removed = removeLayer(made, LAYER.diffId, { ...REMOVAL, launcher })
    t.deepEqual(removed.config?.Entrypoint ?? null, before ?? null)
  }
  const other = sampleConfig({ config: { Entrypoint: ['/bin/start', 'python3'] } })
  const made = appendLayer(other, LAYER, ADDITION)
  const removed = removeLayer(made, LAYER.diffId, { ...REMOVAL, launcher })
  t.deepEqual(removed.config?.Entrypoint, ['/bin/start', 'python3'])
})

test('a variable that exists is replaced where it is, and once', (t) => {
  const env = ['A=1', 'B=2', 'A=3', 'C', 'AB=4']
  const config = sampleConfig({ config: { Env: env } })
  const made = appendLayer(config, LAYER, { env: { A: 'x=y', D: '' }, labels: {} })
  t.deepEqual(made.config?.Env, ['A=x=y', 'B=2', 'C', 'AB=4', 'D='])
})

for (const [title, config] of [
  ['no run configuration', { config: null }],
  ['no variables and labels', { config: { Env: null, Labels: null } }],
  ['no history', { history: null }],
] as const) {
  test(`an image with ${title} takes a layer`, (t) => {
    const made = appendLayer(deepFreeze(sampleConfig(config)), LAYER, ADDITION)
    t.true(made.config?.Env?.includes('PYCDS_ARCHIVE=/opt/pycds/app.cds'))
    t.is(made.config?.Labels?.['io.pycds.version'], '1')
    t.is(made.history?.at(-1)?.created_by, LAYER.createdBy)
  })
}

test('steps without a layer that came after it stay when the layer goes', (t) => {
  const baked = appendLayer(sampleConfig(), LAYER, ADDITION)
  const later = { created_by: 'USER 5', empty_layer: true }
  const made = removeLayer({ ...baked, history: [...(baked.history ?? []), later] }, LAYER.diffId, REMOVAL)
  t.deepEqual(made.history, [...(sampleConfig().history ?? []), later])
})

test('a layer below another one is not removed', (t) => {
  t.throws(() => removeLayer(sampleConfig(), diffId('a'), REMOVAL), { code: 'IMAGE_INVALID' })
})

for (const history of [[{ created_by: 'ENV x', empty_layer: true }], []]) {
  test(`a layer is removed where a tool has dropped the history, but for ${history.length} entries`, (t) => {
    const config = sampleConfig({ history })
    const made = removeLayer(config, diffId('b'), REMOVAL)
    t.deepEqual(made.rootfs.diff_ids, [diffId('a')])
    t.deepEqual(made.history, history)
  })
}
