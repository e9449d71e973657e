// SPDX-License-Identifier: Apache-2.0
import test from 'ava'
import { findProblems, validateConfig, validateIndex } from '../../../src/image/index.js'
import { deepFreeze, sampleConfig } from '../../helpers/image.js'

test('a configuration is returned as it is', (t) => {
  const config = deepFreeze(sampleConfig())
  t.is(validateConfig(config), config)
})

test('the least that an image can have is enough', (t) => {
  t.deepEqual(
    findProblems({ architecture: 'arm64', os: 'linux', rootfs: { type: 'layers', diff_ids: [] } }),
    [],
  )
})

test('null stands for an absent list, as builders write it', (t) => {
  const config = { Env: null, Cmd: null, Entrypoint: null, Labels: null, Volumes: null, Healthcheck: null }
  t.deepEqual(findProblems(sampleConfig({ config, history: null })), [])
})

test('null stands for an absent text or flag, as every engine reads it', (t) => {
  const config = { User: null, WorkingDir: null, StopSignal: null, Tty: null }
  const history = [{ created: null, created_by: null, comment: null, empty_layer: null }]
  t.deepEqual(findProblems({ ...sampleConfig(), config, history, created: null, variant: null }), [])
  const descriptor = { mediaType: 'x', digest: `sha256:${'0'.repeat(64)}`, size: 1 }
  const nothing = { annotations: null, artifactType: null, platform: null }
  const index = {
    schemaVersion: 2,
    mediaType: null,
    annotations: null,
    manifests: [{ ...descriptor, ...nothing }],
  }
  t.notThrows(() => validateIndex(index, 'index'))
})

test('an error names the configuration that it is about', (t) => {
  const error = t.throws(() => validateConfig({}, 'oci:a: configuration sha256:1'), { code: 'IMAGE_INVALID' })
  t.true(error?.message.startsWith('oci:a: configuration sha256:1: $.architecture is not'))
})

test('every broken path is named in one error', (t) => {
  const broken = {
    architecture: '',
    os: 7,
    config: { Env: ['A=1', 2], Labels: { a: 1 }, Cmd: 'ls', Healthcheck: { Test: 'x' }, Tty: 'no' },
    rootfs: { type: 'tree', diff_ids: ['sha256:short'] },
    history: [{ created: 5 }, null],
  }
  t.deepEqual(
    findProblems(broken).map((problem) => problem.path),
    [
      ...['$.architecture', '$.os', '$.config.Env[1]', '$.config.Cmd', '$.config.Labels["a"]'],
      ...['$.config.Healthcheck.Test', '$.config.Tty', '$.rootfs.type', '$.rootfs.diff_ids[0]'],
      ...['$.history[0].created', '$.history[1]'],
    ],
  )
  const error = t.throws(() => validateConfig(broken), { code: 'IMAGE_INVALID' })
  t.regex(error?.message ?? '', /\$\.config\.Env\[1\] is not a string.*and 3 more/)
})

test('a layer that is known by another algorithm is named as such, and is no damage', (t) => {
  const diffIds = [`sha256:${'a'.repeat(64)}`, `sha512:${'b'.repeat(128)}`]
  const config = sampleConfig({ rootfs: { type: 'layers', diff_ids: diffIds } } as object)
  const error = t.throws(() => validateConfig(config), { code: 'IMAGE_INVALID' })
  t.regex(error?.message ?? '', /layer sha512:b{73}: .* algorithm sha512, and only sha256 can be read/)
  t.notRegex((error as unknown as { hint: string }).hint, /damaged/)
})

for (const value of [undefined, null, 7, 'text', [], {}]) {
  test(`${JSON.stringify(value)} is not a configuration`, (t) => {
    t.throws(() => validateConfig(value), { code: 'IMAGE_INVALID' })
  })
}

test('nesting without end is refused', (t) => {
  const deep = JSON.parse(`${'['.repeat(100_000)}${']'.repeat(100_000)}`)
  t.throws(() => validateConfig(sampleConfig({ deep })), { code: 'IMAGE_INVALID' })
})
