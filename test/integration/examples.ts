// SPDX-License-Identifier: Apache-2.0
// The examples do what their READMEs show, as built and as baked.
import { readFile } from 'node:fs/promises'
import test, { type ExecutionContext } from 'ava'
import { baked } from '../helpers/baked.js'
import { docker } from '../helpers/engine.js'
import { type BaseImage, type Example, exampleImage } from '../helpers/images.js'
import { inRepository } from '../helpers/repository.js'

const BASES: readonly BaseImage[] = ['bookworm', 'trixie', 'shared']

// All images before the first test: ava wants the tests of a file declared without a pause between them.
const images: { base: BaseImage; tool: string | undefined; job: string | undefined }[] = []
for (const base of BASES) {
  const tool = await exampleImage('02-command-line-tool', base)
  images.push({ base, tool, job: await exampleImage('03-numpy-job', base) })
}

for (const { base, tool, job } of images) {
  where(tool)(`the command-line tool on ${base} prints the same, baked`, async (t) => {
    await printsTheSame(t, '02-command-line-tool', tool ?? '', 'fetch 1.0')
  })

  where(job)(`the numpy job on ${base} prints the same, baked`, async (t) => {
    await printsTheSame(t, '03-numpy-job', job ?? '')
  })
}

function where(image: string | undefined): typeof test.serial | typeof test.serial.skip {
  return image === undefined ? test.serial.skip : test.serial
}

/** What its own command prints before and after the bake, and its README says that it prints. */
async function printsTheSame(
  t: ExecutionContext,
  example: Example,
  image: string,
  expected?: string,
): Promise<void> {
  const before = await docker('run', '--rm', '--network', 'none', image)
  const { name } = await baked(image)
  t.is(await docker('run', '--rm', '--network', 'none', '-e', 'PYCDS=require', name), before)
  if (expected !== undefined) t.is(before, expected)
  const readme = await readFile(inRepository(`examples/${example}/README.md`), 'utf8')
  t.true(readme.includes(before), `the README of ${example} shows ${before}`)
}
