// SPDX-License-Identifier: Apache-2.0
import test from 'ava'
import { pycdsAlone } from '../../../helpers/cli.js'

// A user that there is not: the step ends before it has looked at the root that it runs in.
const FAILING = ['step', '--user', 'pycds-no-such-user']

test('a step that fails ends the build with an error', async (t) => {
  const run = await pycdsAlone([...FAILING, '--json', '--', 'true'])
  t.is(run.code, 2)
  t.is(JSON.parse(run.stdout).error.code, 'USAGE')
})

test('a step that may be skipped warns, and speaks of no error', async (t) => {
  const run = await pycdsAlone([...FAILING, '--on-failure', 'skip', '--', 'true'])
  t.is(run.code, 0)
  t.regex(run.stderr, /^Warning: not baked: user pycds-no-such-user\b/)
  t.notRegex(run.stderr, /error/i)
})

test('a program that reads the result of a step is told why there is none', async (t) => {
  const { code, stdout } = await pycdsAlone([...FAILING, '--on-failure', 'skip', '--json', '--', 'true'])
  t.is(code, 0)
  t.like(JSON.parse(stdout).error, { code: 'USAGE', exitCode: 2 })
})
