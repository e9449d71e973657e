// SPDX-License-Identifier: Apache-2.0
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { parseSurroundings } from '../../../../src/commands/cli/parse-surroundings.js'

function envFile(t: ExecutionContext, text: string): string {
  const directory = mkdtempSync(join(tmpdir(), 'pycds-test-'))
  t.teardown(() => rmSync(directory, { recursive: true }))
  writeFileSync(join(directory, 'env'), text)
  return join(directory, 'env')
}

test('variables come from files, from the command line, and by name from here; the later one wins', async (t) => {
  const file = envFile(t, '# a comment\nA=file\nB=file=with=signs\n\n  C=x y\nHERE\nABSENT\n')
  const flags = { network: 'none', 'train-env-file': [file], 'train-env': ['A=flag', 'EMPTY='] }
  const { env } = await parseSurroundings(flags, { HERE: 'here' })
  t.deepEqual(env, {
    A: 'flag',
    B: 'file=with=signs',
    C: 'x y',
    HERE: 'here',
    EMPTY: '',
  })
})

test('mounts, the network and hosts are read', async (t) => {
  const flags = {
    network: 'ci',
    mount: ['./data:/data:ro', 'volume:/var/lib', 'C:\\data:/c:ro'],
    'add-host': ['db:127.0.0.1', 'v6:::1'],
  }
  t.deepEqual(await parseSurroundings(flags, {}), {
    env: {},
    mounts: [
      { source: resolve('data'), target: '/data', readOnly: true },
      { source: 'volume', target: '/var/lib', readOnly: false },
      { source: 'C:\\data', target: '/c', readOnly: true },
    ],
    network: 'ci',
    hosts: ['db:127.0.0.1', 'v6:::1'],
  })
})

const refuses = test.macro(async (t, flags: object, message: RegExp) => {
  const error = await t.throwsAsync(() => parseSurroundings({ network: 'none', ...flags }, {}))
  t.is((error as unknown as { code: string }).code, 'USAGE')
  t.regex(error?.message ?? '', message)
})
test('a mount without a target', refuses, { mount: ['/data'] }, /^--mount \/data/)
test('a mount with a relative target', refuses, { mount: ['/data:data'] }, /^--mount/)
test('a host without an address', refuses, { 'add-host': ['db'] }, /^--add-host db/)
test('a file that is not there', refuses, { 'train-env-file': ['/no/such/file'] }, /^--train-env-file \/no/)
test('an empty variable', refuses, { 'train-env': [''] }, /^--train-env: not a variable: it is empty$/)
test(
  'a name with a blank',
  refuses,
  { 'train-env': ['A B=hunter2'] },
  /: its name, "A B", has a blank in it$/,
)
test('a blank and no name', refuses, { 'train-env': ['hunter 2'] }, /: it has a blank in it, and no =$/)
test('a variable without a name is refused without its value', async (t) => {
  const error = await t.throwsAsync(() =>
    parseSurroundings({ network: 'none', 'train-env': ['=hunter2'] }, {}),
  )
  t.is(error?.message, '--train-env: not a variable: no name stands before the =')
})
