// SPDX-License-Identifier: Apache-2.0
// A snapshot is frozen under one kernel on one processor and started under others, in virtual machines without acceleration:
// a program goes on in it or is refused it, and does what it does without.
import test, { type ExecutionContext } from 'ava'
import { ensureImage } from '../helpers/images.js'
import { inRepository } from '../helpers/repository.js'
import { NOT_POSSIBLE, run, runScript } from '../helpers/run.js'
import { unless } from '../helpers/skipped.js'
import { frozenImage } from '../helpers/snapshot-image.js'
import { TIER } from '../helpers/tier.js'

const SCRIPT = 'snapshot-kernels.sh'
/** The first is the one that it is frozen under. */
const RELEASES = ['bookworm', 'bullseye', 'trixie']
const FROZEN_ON = 'Haswell'
/** All that it has, and more, with the same registers. */
const COMPATIBLE = 'Broadwell'
/** It lacks what the default policy asks for. */
const OLDER = 'Nehalem'
/** Some have more registers to keep, or lack something. */
const OTHERS = ['max', 'Skylake-Server', 'EPYC']
/** A virtual machine takes one to three minutes on a quiet machine. */
const TIMEOUT_MS = 90 * 60_000

const base = TIER === 'all' && process.arch === 'x64' ? await ensureImage('bookworm') : undefined
const prepared = base === undefined ? undefined : await runScript(SCRIPT, '--prepare', ...RELEASES)
const reason = () => {
  if (base === undefined) return 'only in the whole tier, on x86-64 with an engine'
  return prepared?.code === NOT_POSSIBLE ? prepared.stderr.trim().split('\n').at(-1) : undefined
}

const inMachines = unless<(t: ExecutionContext) => Promise<void>>(reason(), test)

inMachines('kernels and processors: a snapshot is used or refused', async (t) => {
  t.timeout(TIMEOUT_MS)
  t.is(prepared?.code, 0, prepared?.stderr)
  const image = await frozenImage(t, base ?? '')
  const ended = await run('bash', [inRepository(`scripts/${SCRIPT}`), image, ...RELEASES], {
    env: { PYCDS_NO_INSTALL: '1' },
    deadlineMs: TIMEOUT_MS,
  })
  t.is(ended.code, 0, ended.stdout + ended.stderr)
  t.log(ended.stdout)
  const results = ended.stdout.split('\n').filter(Boolean)
  t.true(results.every((line) => line.endsWith(', same') || line.endsWith(': end')))
  const asItIs = (release: string, processor: string) =>
    results.find((line) => line.startsWith(`${release}, ${processor}: as it is: `)) ?? ''
  for (const release of RELEASES) t.regex(asItIs(release, FROZEN_ON), /: thawed in /, release)
  t.regex(asItIs('bookworm', COMPATIBLE), /: thawed in /)
  t.regex(asItIs('bookworm', OLDER), /: CPU, /)
  for (const processor of OTHERS)
    t.regex(asItIs('bookworm', processor), /: (thawed in |CPU, |CPU_STATE, )/, processor)
})
