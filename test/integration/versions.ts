// SPDX-License-Identifier: Apache-2.0
// Images with the oldest and the newest CPython that is supported, and programs that run optimised.
import test from 'ava'
import { bakedAnew } from '../helpers/baked.js'
import { type BaseImage, ensureImage } from '../helpers/images.js'
import { DEADLINE_MS, run } from '../helpers/run.js'
import { TIER } from '../helpers/tier.js'

const PROGRAM = 'import flask, requests; print("imported")'

const start = (image: string, mode: string, command: readonly string[]) =>
  run('docker', ['run', '--rm', '--network', 'none', '-e', `PYCDS=${mode}`, image, ...command])

const CASES: readonly (readonly [BaseImage, python: string, version: RegExp])[] = [
  ['bullseye', 'python3.9', /^3\.9\./],
  ...(TIER === 'all' ? [['sid', 'python3.14', /^3\.14\./] as const] : []),
  ['sid', 'python3.15', /^3\.15\./],
]

const images = new Map<BaseImage, string | undefined>()
for (const base of ['bullseye', 'sid', 'small'] as const) images.set(base, await ensureImage(base))

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
    const { name, result } = await bakedAnew(t, image, '--', ...command)
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

const small = images.get('small')
const title = 'a program that runs with -OO is served with -OO, and told why it is not without'
if (small === undefined) test.skip(title, () => undefined)
else {
  test.serial(title, async (t) => {
    t.timeout(DEADLINE_MS)
    const command = [
      'python3',
      '-OO',
      '-c',
      'import json.tool; print(json.tool.main.__doc__, json.loads.__doc__)',
    ]
    const { name } = await bakedAnew(t, small, '--', ...command)
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
