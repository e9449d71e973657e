// SPDX-License-Identifier: Apache-2.0
// The script that the CI kit runs, and that each kind of CI hands it what it reads.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import test from 'ava'
import { CLI as PROGRAM } from '../helpers/cli.js'
import { imageName } from '../helpers/engine.js'
import { exampleImage } from '../helpers/images.js'
import { inRepository } from '../helpers/repository.js'
import { run } from '../helpers/run.js'
import { temporary } from '../helpers/temporary.js'

const SCRIPT = inRepository('examples/ci/bake.sh')
const CLI = `${process.execPath} ${PROGRAM}`
const example = await exampleImage('02-command-line-tool', 'small')
const withExample = example === undefined ? test.serial.skip : test.serial

const SHA256 = /^sha256:[0-9a-f]{64}$/

const bake = (env: Record<string, string>) => run('sh', [SCRIPT], { env: { PYCDS_CLI: CLI, ...env } })

withExample(
  'the script bakes, verifies and leaves a report, outputs and a summary for the job',
  async (t) => {
    const folder = temporary(t)
    const output = imageName(t)
    const settings = {
      ...{ PYCDS_IMAGE: example ?? '', PYCDS_OUTPUT: output, PYCDS_REPORT: folder },
      ...{
        PYCDS_OPTIONS: '--measure\n1\n--validate\nhash\n--skip-unchanged',
        PYCDS_COMMAND: 'python3\n-c\nimport json, email',
      },
    }
    const { code, stderr } = await bake({
      ...settings,
      ...{ GITHUB_OUTPUT: join(folder, 'github'), GITHUB_STEP_SUMMARY: join(folder, 'page') },
    })
    t.is(code, 0, stderr)
    const outputs = outputsIn(folder)
    t.is(outputs.state, 'baked')
    t.is(outputs.image, output)
    t.regex(outputs.digest ?? '', SHA256)
    t.regex(outputs.layer ?? '', SHA256)
    t.true(Number(outputs.hit_rate) >= 80)
    t.true(Number(outputs.speedup) > 0)
    t.is(readFileSync(join(folder, 'github'), 'utf8'), readFileSync(join(folder, 'outputs.env'), 'utf8'))
    t.regex(readFileSync(join(folder, 'page'), 'utf8'), /\| hit rate \| \d+\.\d % \|/)

    const again = await bake(settings)
    t.is(again.code, 0, again.stderr)
    const { state, image, digest, layer } = outputsIn(folder)
    t.deepEqual(
      { state, image, digest, layer },
      { state: 'unchanged', image: output, digest: outputs.digest, layer: '' },
    )
  },
)

withExample('the job fails with the exit code of what failed', async (t) => {
  const folder = temporary(t)
  const failed = await bake({ PYCDS_IMAGE: example ?? '', PYCDS_REPORT: folder, PYCDS_COMMAND: 'false' })
  t.is(failed.code, 3)
  t.regex(failed.stderr, /ended with exit code 1 before any Python/)
})

test('without an image the script says which variable is missing', async (t) => {
  const { code, stderr } = await bake({ PYCDS_IMAGE: '' })
  t.is(code, 2)
  t.regex(stderr, /PYCDS_IMAGE is not set/)
})

/** What the script hands to later steps. */
function outputsIn(folder: string): Record<string, string | undefined> {
  const lines = readFileSync(join(folder, 'outputs.env'), 'utf8').trimEnd().split('\n')
  return Object.fromEntries(lines.map((line) => line.split('=')))
}
