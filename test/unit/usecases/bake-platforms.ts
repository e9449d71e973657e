// SPDX-License-Identifier: Apache-2.0
// Bakes of several platforms, as far as they get without a Python: what is chosen, and what is refused before a run.
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { MEDIA_TYPES } from '../../../src/image/index.js'
import { LocationStore } from '../../../src/store/locations/index.js'
import { type BakePlatformsPorts, bakePlatforms } from '../../../src/usecases/bake-platforms.js'
import type { BakeRequest } from '../../../src/usecases/bake-request.js'
import { contentOf, LayoutMaker, named } from '../../helpers/layout.js'
import { file } from '../../helpers/tar.js'
import { temporary } from '../../helpers/temporary.js'

/** An index of an image for each architecture. */
async function indexOf(t: ExecutionContext, ...architectures: string[]): Promise<LayoutMaker> {
  const layout = new LayoutMaker(join(temporary(t), 'layout'))
  const manifests = []
  for (const architecture of architectures) {
    const descriptor = { platform: { os: 'linux', architecture } }
    manifests.push(await layout.image([[file('a', architecture)]], { architecture, descriptor }))
  }
  layout.index([named(layout.blob(MEDIA_TYPES.index, { schemaVersion: 2, manifests }), '1')])
  return layout
}

const request = (layout: LayoutMaker, more: Partial<BakeRequest> = {}): BakeRequest => ({
  reference: `oci:${layout.path}:1`,
  ...{ ready: [], probes: [], limits: { timeoutMs: 1000, stopGraceSeconds: 1 }, onTrainFailure: 'fail' },
  ...{ mode: 'entrypoint', imports: [], traces: [], validate: 'stat', pyc: 'off', measureRuns: 0 },
  surroundings: { env: {}, mounts: [], network: 'none', hosts: [] },
  ...{ dryRun: false, gates: { checkRepro: false } },
  ...more,
})

/** Everything that goes beyond finding the images is a mistake here. */
function ports(): BakePlatformsPorts {
  const refuse = new Proxy({}, { get: (_, name) => assertUnused(String(name)) })
  return {
    index: new LocationStore(),
    engine: {
      ...refuse,
      describe: async () => ({ architecture: 'riscv64' }),
    } as BakePlatformsPorts['engine'],
    archiver: refuse as BakePlatformsPorts['archiver'],
    progress: refuse as BakePlatformsPorts['progress'],
    signal: new AbortController().signal,
  }
}

function assertUnused(name: string): never {
  throw new Error(`${name} was used`)
}

for (const [what, platforms, more, code, message] of [
  [
    'one that is not there',
    ['linux/amd64', 'linux/s390x'],
    {},
    'IMAGE_NOT_FOUND',
    /no image for linux\/s390x/,
  ],
  ['the same twice', ['linux/arm64', 'linux/arm64/v8'], {}, 'USAGE', /same image of .* as linux\/arm64$/],
  [
    'none that can be run here',
    ['linux/amd64', 'linux/arm64'],
    {},
    'USAGE',
    /this machine can run none of them/,
  ],
  [
    'a Docker archive for the result',
    ['linux/amd64', 'linux/arm64'],
    { output: 'docker-archive:x.tar' },
    'USAGE',
    /cannot hold an image for several platforms/,
  ],
  [
    'an engine for the result',
    ['linux/amd64', 'linux/arm64'],
    { output: 'app:fast' },
    'USAGE',
    /cannot hold an image for several platforms/,
  ],
] as const) {
  test(`several platforms: ${what} is refused before anything is run`, async (t) => {
    const layout = await indexOf(t, 'amd64', 'arm64')
    const before = contentOf(layout.path)
    const error = await t.throwsAsync(bakePlatforms(request(layout, more), platforms, ports()))
    t.is((error as { code?: string }).code, code, String(error))
    t.regex(error?.message ?? '', message)
    t.deepEqual(contentOf(layout.path), before)
  })
}
