// SPDX-License-Identifier: Apache-2.0
// The examples do what their READMEs show, as built and as baked.
import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import test, { type ExecutionContext } from 'ava'
import type { BakeResult } from '../../src/bake/result.js'
import { runCli } from '../helpers/cli.js'
import { type BaseImage, type Example, exampleImage } from '../helpers/images.js'

const BASES: readonly BaseImage[] = ['bookworm', 'trixie', 'shared']

// All images before the first test: ava wants the tests of a file declared without a pause between them.
const images: { base: BaseImage; tool: string | undefined; job: string | undefined }[] = []
for (const base of BASES) {
  const tool = await exampleImage('02-command-line-tool', base)
  images.push({ base, tool, job: await exampleImage('03-numpy-job', base) })
}

for (const { base, tool, job } of images) {
  where(tool)(`the command-line tool on ${base} prints the same, baked`, async (t) => {
    await printsTheSame(t, '02-command-line-tool', tool ?? '', 'fetch 1.0\n')
  })

  where(job)(`the numpy job on ${base} prints the same, baked`, async (t) => {
    await printsTheSame(t, '03-numpy-job', job ?? '')
  })
}

function where(image: string | undefined): typeof test.serial | typeof test.serial.skip {
  return image === undefined ? test.serial.skip : test.serial
}

/** Bakes an example's image, and compares what its own command prints before and after with its README. */
async function printsTheSame(
  t: ExecutionContext,
  example: Example,
  image: string,
  expected?: string,
): Promise<void> {
  const baked = `${image}-cds-test-${process.pid}`
  t.teardown(() => docker(['rmi', '-f', baked]))
  const before = await docker(['run', '--rm', '--network', 'none', image])
  const run = await runCli(['bake', image, '-t', baked, '--measure', '0', '--json'], { deadlineMs: 300_000 })
  t.is(run.exitCode, 0, run.stderr)
  const result: BakeResult = JSON.parse(run.stdout)
  t.is(result.output?.reference, baked)

  const after = await docker(['run', '--rm', '--network', 'none', '-e', 'PYCDS=require', baked])
  t.is(after, before)
  if (expected !== undefined) t.is(before, expected)
  const readme = await readFile(new URL(`../../examples/${example}/README.md`, import.meta.url), 'utf8')
  t.true(readme.includes(before.trim()), `the README of ${example} shows ${before}`)
}

function docker(args: readonly string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    execFile('docker', args, (error, stdout, stderr) => {
      if (error === null) resolve(stdout)
      else reject(new Error(`docker ${args.join(' ')}: ${stderr.trim()}`))
    })
  })
}
