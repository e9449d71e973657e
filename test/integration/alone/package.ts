// SPDX-License-Identifier: Apache-2.0
// What is published, made as for a release and tried where there is nothing but Node. It takes the better part of an hour
// where nothing of it is in the cache.
import { join } from 'node:path'
import test from 'ava'
import { NOT_POSSIBLE, runScript } from '../../helpers/run.js'
import { temporary } from '../../helpers/temporary.js'
import { TIER } from '../../helpers/tier.js'

const declare = TIER === 'all' ? test : test.skip

declare('the package works without compilers, with every Node, addon and processor', async (t) => {
  t.timeout(90 * 60_000)
  const made = await runScript('package.sh', join(temporary(t), 'release'))
  if (made.code === NOT_POSSIBLE) return t.log(made.stderr.trim())
  t.is(made.code, 0, made.stderr)
  const tried = await runScript('try-package.sh', made.stdout.trim())
  if (tried.code === NOT_POSSIBLE) return t.log(tried.stderr.trim())
  t.is(tried.code, 0, `${tried.stdout}\n${tried.stderr}`)
  t.regex(tried.stdout, /^x64-glibc-20 .*\n[^]*^arm64-musl-24 /m)
})
