// SPDX-License-Identifier: Apache-2.0
// Each example goes on in its snapshot and answers as it did: in the engine at hand, and in a store of containerd.
import test from 'ava'
import { bakes, verifies } from '../helpers/cli.js'
import { type BaseImage, type Example, exampleImage } from '../helpers/images.js'
import { DEADLINE_MS, run } from '../helpers/run.js'
import { storeEngines } from '../helpers/stores.js'
import { TIER } from '../helpers/tier.js'

interface Trial {
  example: Example
  base: BaseImage
  /** What it is asked; none: it ends by itself, and what it prints is compared. */
  probes: readonly string[]
  /** At most so much more of the layer, compressed. */
  bytes: number
}

const MEGABYTE = 1_000_000
const TRIALS: readonly Trial[] = [
  {
    example: '01-flask-service',
    base: 'bookworm',
    probes: ['GET:8000/healthz', 'GET:8000/api/articles/tea'],
    // Flask, requests and urllib3.
    bytes: 6.5 * MEGABYTE,
  },
  { example: '02-command-line-tool', base: 'bookworm', probes: [], bytes: 6 * MEGABYTE },
  { example: '03-numpy-job', base: 'bookworm', probes: [], bytes: 6 * MEGABYTE },
  { example: '04-torch-workers', base: 'torch', probes: [], bytes: 25 * MEGABYTE },
]
/** Freezing imports torch a dozen times; on a machine that does much else. */
const PATIENCE = ['--timeout', '10m']
/** Percent of what the program asks for. */
const HIT_RATE = 90

const isPossible = TIER === 'all' && process.arch === 'x64'
const engines = isPossible ? await storeEngines() : ['it is for the whole tier']
const images = new Map<Example, string | undefined>()
for (const { example, base } of TRIALS)
  images.set(example, isPossible ? await exampleImage(example, base) : undefined)

for (const { example, probes, bytes } of TRIALS) {
  const image = images.get(example)
  for (const one of engines) {
    if (typeof one === 'string') {
      test.skip(`${example} goes on in its snapshot (${one})`, () => undefined)
      continue
    }
    const { engine, load, env } = one
    const declare = image === undefined ? test.serial.skip : test.serial
    declare(`${engine}: ${example} goes on in its snapshot, and answers as it did`, async (t) => {
      t.timeout(4 * DEADLINE_MS)
      const source = await load(image ?? '')
      const name = `pycds-test-snapshot-${example}:${process.pid}`
      t.teardown(async () => {
        await run('docker', ['image', 'rm', '--force', name], { env })
      })
      const asked = probes.flatMap((probe) => ['--probe', probe])
      const { snapshot } = await bakes(t, [source, '-t', name, '--snapshot', ...PATIENCE, ...asked], { env })
      t.like(snapshot, { reason: null, thaws: { starts: 20 } })
      t.true((snapshot?.compressedBytes ?? Number.POSITIVE_INFINITY) < bytes, JSON.stringify(snapshot))
      const { scenarios } = await verifies(t, name, HIT_RATE, asked, { env })
      for (const { snapshot: thawed } of scenarios) t.true((thawed?.modules ?? 0) > 0)
      if (probes.length > 0) return
      const words = ['run', '--rm', '--network', 'none']
      const plain = await run('docker', [...words, image ?? ''])
      const thawed = await run('docker', [...words, name], { env })
      t.is(thawed.code, 0, thawed.stderr)
      t.is(thawed.stdout, plain.stdout)
    })
  }
}
