// SPDX-License-Identifier: Apache-2.0
// An application that does not start as before once it is baked is not shipped, however fast it fails.
import test from 'ava'
import { bakes, pycds } from '../helpers/cli.js'
import { hasImage, imageName } from '../helpers/engine.js'
import { ensureImage } from '../helpers/images.js'
import { DEADLINE_MS } from '../helpers/run.js'

const image = await ensureImage('small')
const withImage = image === undefined ? test.serial.skip : test.serial

/** It sees that it was baked. */
const command = (program: string) => {
  const isBaked = 'os.environ.get("PYCDS_ARCHIVE") and os.environ.get("PYCDS") != "off"'
  return [
    '--',
    'python3',
    '-c',
    `import json, email.message, os, sys, time, signal\n${program.replace('BAKED', isBaked)}`,
  ]
}
const FAILS = command('sys.exit(9 if BAKED else 0)')

for (const [what, options] of [
  ['timed starts', []],
  ['a limit for its speed', ['--min-speedup', '0.1']],
  ['a start that is asked for its hit rate', ['--measure', '0', '--min-hit-rate', '1']],
] as const) {
  withImage(`a bake of what then fails is told by ${what}, and leaves no image`, async (t) => {
    t.timeout(DEADLINE_MS)
    const name = imageName(t)
    const { code, stderr } = await pycds(['bake', image ?? '', '-t', name, ...options, ...FAILS])
    t.is(code, 5, stderr)
    t.regex(stderr, /does not start as before: it (ends|ended) with exit code 9/)
    t.false(await hasImage(name))
  })
}

withImage('a service is not another one since it was ended, nor what fails in both', async (t) => {
  t.timeout(DEADLINE_MS)
  for (const program of ['time.sleep(600)', 'os.kill(os.getpid(), signal.SIGKILL)', 'sys.exit(3)']) {
    const name = imageName(t)
    const options = ['--measure', '2', '--on-train-failure', 'keep']
    const { code, stderr } = await pycds(['bake', image ?? '', '-t', name, ...options, ...command(program)])
    t.is(code, 0, stderr)
  }
})

withImage('a benchmark does not compare times of starts that end otherwise', async (t) => {
  t.timeout(DEADLINE_MS)
  const name = imageName(t)
  await bakes(t, [image ?? '', '-t', name, ...FAILS])
  const { code, stderr } = await pycds(['bench', name, '--runs', '1', ...FAILS])
  t.is(code, 5, stderr)
  t.regex(stderr, /\(baked\): it does not start as the original: it ends with exit code 9/)
})
