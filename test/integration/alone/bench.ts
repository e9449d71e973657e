// SPDX-License-Identifier: Apache-2.0
// Comparisons through the built command line: what is compared, what comes out, what is left. Never how fast.
import test, { type ExecutionContext } from 'ava'
import type { BenchResult } from '../../../src/usecases/bench/result.js'
import { bakes, pycds } from '../../helpers/cli.js'
import { docker, imageName } from '../../helpers/engine.js'
import { ensureImage } from '../../helpers/images.js'

const COMMAND = ['--', 'python3', '-c', 'import json']

async function bench(t: ExecutionContext, code: number, ...args: string[]): Promise<BenchResult> {
  const outcome = await pycds(['bench', ...args, '--runs', '2', '--json', '--progress', 'quiet', ...COMMAND])
  t.is(outcome.code, code, outcome.stdout + outcome.stderr)
  return JSON.parse(outcome.stdout) as BenchResult
}

/** In an order of their own: the engine's changes between calls. */
const untagged = async () => {
  const ids = await docker('images', '--all', '--quiet', '--filter', 'dangling=true')
  return ids.split('\n').sort().join(' ')
}

const image = await ensureImage('bookworm-nopyc')

if (image === undefined) {
  test.skip('comparisons of images: the image cannot be made here', () => undefined)
} else {
  test.serial(
    'an image that was not baked is baked for the comparison, and nothing of it is left',
    async (t) => {
      const before = await untagged()
      const result = await bench(t, 0, image)
      t.deepEqual(
        result.subjects.map(({ id }) => id),
        ['shipped', 'bytecode', 'baked'],
      )
      for (const { warm, cold } of result.subjects) {
        t.is(warm.imports?.count, 2)
        t.is(warm.process?.count, 2)
        t.is(warm.ready, null)
        t.is(cold === null, result.withoutCold !== null)
      }
      t.is(result.metric, 'process')
      t.true(result.speedups.length >= 4)
      t.is(result.gate, null)
      t.is(await untagged(), before)
    },
  )

  test.serial(
    'a baked image is compared with what it was baked from, and a missed limit ends with 5',
    async (t) => {
      const name = imageName(t)
      await bakes(t, [image, '-t', name, ...COMMAND])
      const found = await bench(t, 5, name, '--min-speedup', '1000')
      t.is(found.baseline.id, await docker('image', 'inspect', '--format', '{{.Id}}', image))
      t.like(found.gate, { minSpeedup: 1000, ok: false })
      const given = await bench(t, 0, name, image, '--min-speedup', '0.001')
      t.is(given.baseline.reference, image)
      t.like(given.gate, { ok: true })
    },
  )

  test.serial('an image whose start runs no Python cannot be compared', async (t) => {
    const outcome = await pycds(['bench', image, image, '--runs', '1', '--json', '--', 'true'])
    t.is(outcome.code, 4, outcome.stdout + outcome.stderr)
    t.regex(outcome.stdout, /no Python process was seen/)
  })
}
