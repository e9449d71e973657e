// SPDX-License-Identifier: Apache-2.0
// The command itself, where it has nothing to compare: an exit code that says what it is, and a sentence.
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { newerThanBuild } from '../../../bench/machine.js'
import { cannotConfine } from '../../../conformance/sandbox.js'
import { inRepository, ROOT } from '../../helpers/repository.js'
import { unless } from '../../helpers/skipped.js'
import { temporary } from '../../helpers/temporary.js'

type Body = (t: ExecutionContext) => void | Promise<void>

const undo: (() => void)[] = []
const place = temporary({ teardown: (one) => undo.push(one) })
const newer = await newerThanBuild(ROOT)
const cannot =
  newer === undefined ? await cannotConfine(join(place, 'output')) : `${newer} is newer than the build`
test.after.always(() => {
  for (const one of undo) one()
})
const here = unless(cannot, (title: string, run: Body) => test(title, run))

function conformance(args: readonly string[], env: Readonly<Record<string, string>> = {}) {
  return spawnSync(process.execPath, ['--import=tsx', inRepository('conformance/main.ts'), ...args], {
    cwd: ROOT,
    env: { ...process.env, TMPDIR: place, ...env },
    encoding: 'utf8',
    timeout: 120_000,
  })
}

here('what was named and is not there is wrong usage, in one line', (t) => {
  for (const name of ['nosuch', 'attrs/nosuch']) {
    const { status, stdout, stderr } = conformance(['--suite', 'packages', name])
    t.is(status, 2)
    t.is(stdout, '')
    t.regex(stderr, new RegExp(`^conformance: no package ${name}, and no part of one; [^\\n]*\\n$`))
  }
})

here('an interpreter that was named and cannot be had is a reason to run nothing', (t) => {
  const { status, stdout, stderr } = conformance(['test_re'], { PYCDS_TEST_PYTHONS: '/nonexistent/python' })
  t.deepEqual([status, stdout], [77, ''])
  t.is(stderr, 'conformance: PYCDS_TEST_PYTHONS: /nonexistent/python: there is no such file\n')
})

here('a run that fails itself has an exit code that is none of a difference', (t) => {
  // Where no package can be kept.
  const { status, stdout, stderr } = conformance(['--suite', 'packages', 'wrapt'], {
    XDG_CACHE_HOME: '/dev/null',
  })
  t.deepEqual([status, stdout], [3, ''])
  t.regex(stderr, /^conformance: E[A-Z]+: [^\n]*\n$/)
})
