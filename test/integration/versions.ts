// SPDX-License-Identifier: Apache-2.0
// Images with the oldest and the newest CPython that is supported, and programs that run optimised.
import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import test, { type ExecutionContext } from 'ava'
import type { BakeResult } from '../../src/bake/result.js'
import { type BaseImage, ensureImage } from '../helpers/images.js'

const CLI = fileURLToPath(new URL('../../dist/bin/run.js', import.meta.url))
const DEADLINE_MS = 5 * 60_000
const PROGRAM = 'import flask, requests; print("imported")'

interface Outcome {
  code: number | null
  stdout: string
  stderr: string
}

function run(file: string, ...args: string[]): Promise<Outcome> {
  return new Promise((resolve) => {
    execFile(file, args, { timeout: DEADLINE_MS, maxBuffer: 2 ** 28 }, (error, stdout, stderr) => {
      resolve({ code: error ? (typeof error.code === 'number' ? error.code : null) : 0, stdout, stderr })
    })
  })
}

const start = (image: string, mode: string, command: readonly string[]) =>
  run('docker', 'run', '--rm', '--network', 'none', '-e', `PYCDS=${mode}`, image, ...command)

/** Bakes an image for a command; the name is removed with the test. */
async function bake(t: ExecutionContext, image: string, command: readonly string[]) {
  const name = `pycds-test-out:versions-${process.pid}-${command.join('-').replaceAll(/\W+/g, '-').slice(0, 40)}`
  t.teardown(() => run('docker', 'image', 'rm', '--force', name).then(() => undefined))
  const options = ['--json', '--measure', '0', '-t', name, '--', ...command]
  const { code, stdout, stderr } = await run(process.execPath, CLI, 'bake', image, ...options)
  t.is(code, 0, stderr)
  return { name, result: JSON.parse(stdout) as BakeResult }
}

const CASES: [BaseImage, python: string, version: RegExp][] = [
  ['bullseye', 'python3.9', /^3\.9\./],
  ['sid', 'python3.14', /^3\.14\./],
  ['sid', 'python3.15', /^3\.15\./],
]

const images = new Map<BaseImage, string | undefined>()
for (const base of ['bullseye', 'sid', 'bookworm'] as const) images.set(base, await ensureImage(base))

for (const [base, python, version] of CASES) {
  const image = images.get(base)
  const title = `a baked ${base} serves the imports of its ${python}`
  if (image === undefined) {
    test.skip(title, () => undefined)
    continue
  }
  test.serial(title, async (t) => {
    t.timeout(DEADLINE_MS)
    const command = [python, '-c', PROGRAM]
    const { name, result } = await bake(t, image, command)
    t.regex(result.python.version, version)
    t.deepEqual(
      result.archive.leftOut.filter(({ reason }) => !/hook can run/.test(reason)),
      [],
    )
    t.like(await start(name, 'require', command), { code: 0, stdout: 'imported\n' })
    const { stderr } = await start(name, 'report', command)
    const [, served = ''] = /served (\d+) of \d+ path-based modules/.exec(stderr) ?? []
    t.true(Number(served) > 150, stderr)
    t.deepEqual(
      stderr.match(/\((?!BEFORE_HOOK)[A-Z_]+\)/g),
      null,
      'what the hook comes too late for is not served',
    )
  })
}

const bookworm = images.get('bookworm')
const title = 'a program that runs with -OO is served with -OO, and told why it is not without'
if (bookworm === undefined) test.skip(title, () => undefined)
else {
  test.serial(title, async (t) => {
    t.timeout(DEADLINE_MS)
    const command = [
      'python3',
      '-OO',
      '-c',
      'import json.tool; print(json.tool.main.__doc__, json.loads.__doc__)',
    ]
    const { name } = await bake(t, bookworm, command)
    t.like(await start(name, 'require', command), { code: 0, stdout: 'None None\n' })
    const plain = await start(name, 'report', [
      'python3',
      '-c',
      'import json; print(json.loads.__doc__ is None)',
    ])
    t.is(plain.stdout, 'False\n')
    t.regex(plain.stderr, /not used: OPTIMIZE/)
  })
}
