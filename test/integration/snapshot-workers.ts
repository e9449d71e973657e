// SPDX-License-Identifier: Apache-2.0
// Workers that are spawned go on in the snapshot of their image as their launcher does.
import { readFile } from 'node:fs/promises'
import test from 'ava'
import { baked } from '../helpers/baked.js'
import { exampleImage } from '../helpers/images.js'
import { inRepository } from '../helpers/repository.js'
import { DEADLINE_MS, run } from '../helpers/run.js'
import { TIER } from '../helpers/tier.js'

const WORKERS = 4
/** Compressed; torch alone is most of it. */
const MOST_BYTES = 25_000_000
/** Freezing imports torch a dozen times; on a machine that does much else. */
const BAKE_MS = 2 * DEADLINE_MS

// The image holds two gigabytes.
const isPossible = TIER === 'all' && process.arch === 'x64'
const image = isPossible ? await exampleImage('04-torch-workers', 'torch') : undefined
const withImage = image === undefined ? test.skip : test

withImage('a launcher and its workers import torch from the snapshot, and answer as before', async (t) => {
  t.timeout(BAKE_MS)
  const original = await run('docker', ['run', '--rm', '--network', 'none', image ?? ''])
  t.is(original.code, 0, original.stderr)
  const readme = await readFile(inRepository('examples/04-torch-workers/README.md'), 'utf8')
  t.true(readme.includes(original.stdout.trim()), original.stdout)

  const { name, result } = await baked(image ?? '', '--snapshot', '--timeout', '10m')
  t.like(result.snapshot, { reason: null, leftOut: [], thaws: { starts: 20 } })
  t.true((result.snapshot?.modules ?? 0) > 800, JSON.stringify(result.snapshot))
  t.true((result.snapshot?.compressedBytes ?? Number.POSITIVE_INFINITY) < MOST_BYTES)

  const words = ['run', '--rm', '--network', 'none', '--read-only', '--env', 'PYCDS_LOG=1', name]
  const started = await run('docker', words)
  t.is(started.code, 0, started.stderr)
  t.is(started.stdout, original.stdout)
  const processes = (said: string) =>
    [...started.stderr.matchAll(new RegExp(`^pycds\\[(\\d+)\\]: ${said}`, 'gm'))].map(([, id]) => id).sort()
  // A process that looks after what is shared imports little, and starts as ever.
  t.is(processes('snapshot thawed').length, WORKERS + 1, started.stderr)
  t.deepEqual(processes('ready torch:'), processes('snapshot thawed'))
  t.notRegex(started.stderr, /not ready/)
})

withImage('each container has random numbers of torch of its own', async (t) => {
  t.timeout(BAKE_MS)
  const { name } = await baked(image ?? '', '--snapshot', '--timeout', '10m')
  const mount = `${inRepository('test/fixtures/snapshot/draws.py')}:/workers/launcher.py:ro`
  const drawn = new Set<string>()
  for (let i = 0; i < 3; i++) {
    const started = await run('docker', ['run', '--rm', '--env', 'PYCDS_LOG=1', '--volume', mount, name])
    t.regex(started.stderr, /ready torch: \d+ modules/, started.stderr)
    drawn.add(/^torch \d+ .*$/m.exec(started.stdout)?.[0] ?? started.stderr)
  }
  t.is(drawn.size, 3)
})
