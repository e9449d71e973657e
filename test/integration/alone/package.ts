// SPDX-License-Identifier: Apache-2.0
// What is published, made as for a release and tried where there is nothing but Node. It takes the better part of an hour
// where nothing of it is in the cache.
import { join } from 'node:path'
import test from 'ava'
import { inRepository } from '../../helpers/repository.js'
import { NOT_POSSIBLE, run } from '../../helpers/run.js'
import { temporary } from '../../helpers/temporary.js'
import { TIER } from '../../helpers/tier.js'

/** Compiling a C++ library for four machines, and Node in an emulator. */
const DEADLINE_MS = 60 * 60_000

const runScript = (name: string, argument: string) =>
  run('bash', [inRepository(`scripts/${name}`), argument], {
    env: { PYCDS_NO_INSTALL: '1' },
    deadlineMs: DEADLINE_MS,
  })

const declare = TIER === 'all' ? test : test.skip

declare('the package works without compilers, with every Node, addon and processor', async (t) => {
  t.timeout(2 * DEADLINE_MS)
  const made = await runScript('package.sh', join(temporary(t), 'release'))
  if (made.code === NOT_POSSIBLE) return t.log(made.stderr.trim())
  t.is(made.code, 0, made.stderr)
  const tried = await runScript('try-package.sh', made.stdout.trim())
  if (tried.code === NOT_POSSIBLE) return t.log(tried.stderr.trim())
  t.is(tried.code, 0, `${tried.stdout}\n${tried.stderr}`)
  const [layers, trials] = [/layer ([0-9a-f]{64})/g, /^(?:x64|arm64)-(?:glibc|musl)-\d+ /gm].map(
    (pattern) => tried.stdout.match(pattern) ?? [],
  )
  t.is(trials?.length, 6, tried.stdout)
  for (const line of tried.stdout.trim().split('\n'))
    t.regex(line, /: layer \w{64}, archive in \d+ ms, .*: \d+\.\dx {2}/)
  // One for each processor, whatever writes it.
  t.is(new Set(layers).size, 2, tried.stdout)
})
