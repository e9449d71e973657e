// SPDX-License-Identifier: Apache-2.0
// Each way to a baked image once, as the first page of the documentation shows them.
import { join } from 'node:path'
import test from 'ava'
import { baked } from '../helpers/baked.js'
import { prepareBuilder, withFrontend } from '../helpers/builder.js'
import { build, CLASSIC } from '../helpers/builds.js'
import { bakes, pycds, verifies } from '../helpers/cli.js'
import { docker, imageName } from '../helpers/engine.js'
import { ensureImage, exampleImage, toolImage } from '../helpers/images.js'
import { declareUnless } from '../helpers/repetition.js'
import { DEADLINE_MS } from '../helpers/run.js'
import { temporary } from '../helpers/temporary.js'

const COMMAND = ['python3', '-c', 'import email.message, http.client, json, logging, requests']

const base = await ensureImage('small')
const example = await exampleImage('02-command-line-tool', 'small')
const tool = await toolImage()
const builder = base === undefined ? 'the base image small cannot be made here' : await prepareBuilder()

/** The other tiers have a file for each way, which shows more. */
const where = (...needed: unknown[]) =>
  declareUnless(true, needed.includes(undefined) ? test.serial.skip : test.serial, 'quick')

where(example)('bake an image of the engine: a start takes its modules from the archive', async (t) => {
  const { name, result } = await baked(example ?? '')
  t.true(result.archive.modules > 50)
  await verifies(t, name, 95)
  t.is((await pycds(['inspect', name])).code, 0)
  t.is((await pycds(['doctor', name])).code, 0)
})

where(example)('bake a file without an engine: the same layer', async (t) => {
  t.timeout(DEADLINE_MS)
  const directory = temporary(t)
  await docker('save', '-o', join(directory, 'image.tar'), example ?? '')
  const output = `docker-archive:${join(directory, 'out.tar')}`
  const { layer } = await bakes(t, [`docker-archive:${join(directory, 'image.tar')}`, '-o', output])
  t.is(layer.diffId, (await baked(example ?? '')).result.layer.diffId)
})

where(base, tool)('a step of a Dockerfile', async (t) => {
  const step = ['/pycds/pycds-image', 'step', '--output', '/out', '--', ...COMMAND]
  const dockerfile = `FROM ${base} AS app
FROM app AS cds
COPY --from=${tool} / /pycds
RUN ${JSON.stringify(step)}
FROM app
COPY --from=cds /out/ /
CMD ${JSON.stringify(COMMAND)}
`
  const { code, name, stdout, stderr } = await build(t, CLASSIC, dockerfile)
  t.is(code, 0, stdout + stderr)
  await verifies(t, name, 95)
})

where(typeof builder === 'string' ? undefined : builder)('one line above a Dockerfile', async (t) => {
  if (typeof builder === 'string') return
  const tag = imageName(t)
  const dockerfile = withFrontend(`FROM ${base}\nCMD ${JSON.stringify(COMMAND)}\n`)
  const { code, stderr } = await builder.build(t, dockerfile, { tag })
  t.is(code, 0, stderr)
  await verifies(t, tag, 95)
})
