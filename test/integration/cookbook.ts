// SPDX-License-Identifier: Apache-2.0
// The pages of the cookbook, as they stand: each page's own Dockerfile is built, baked and verified with the page's own
// commands, and the baked application answers as the other does. The packages come from PyPI, so this is of the tier all.
import { rmSync } from 'node:fs'
import test, { type ExecutionContext } from 'ava'
import { bakes, pycds, verifies } from '../helpers/cli.js'
import { cookbookPage, optionsOf } from '../helpers/cookbook.js'
import { buildPage, wheelsFor } from '../helpers/cookbook-image.js'
import { askingProgram, COOKBOOK, type CookbookRow } from '../helpers/cookbook-rows.js'
import { docker, imageName } from '../helpers/engine.js'
import { ensureImage } from '../helpers/images.js'
import { inRepository } from '../helpers/repository.js'
import { DEADLINE_MS, run } from '../helpers/run.js'
import { temporary } from '../helpers/temporary.js'
import { TIER } from '../helpers/tier.js'

const MIN_HIT_RATE = 90
const POLL_MS = 200
const API = '/lambda_api.py'

const base = TIER === 'all' ? await ensureImage('shared-nopyc') : undefined

const probe = base === undefined ? undefined : wheelsFor([])
const isReachable = probe !== undefined
if (probe !== undefined) rmSync(probe, { recursive: true, force: true })

for (const row of COOKBOOK) {
  const title = `the page ${row.page} of the cookbook does what it says`
  if (base === undefined) {
    test.skip(`${title} (tier all, with the image shared-nopyc)`, () => undefined)
    continue
  }
  if (!isReachable) {
    test.skip(`${title} (PyPI cannot be reached)`, () => undefined)
    continue
  }
  test.serial(title, (t) => holds(t, row))
}

async function holds(t: ExecutionContext, row: CookbookRow): Promise<void> {
  t.timeout(3 * DEADLINE_MS)
  const context = wheelsFor(row.packages)
  if (context === undefined) return t.fail(`PyPI does not give ${row.packages.join(', ')}`)
  t.teardown(() => rmSync(context, { recursive: true, force: true }))
  const page = cookbookPage(row.page)
  const folder = temporary(t, page.files)
  const image = imageName(t)
  await buildPage(folder, context, { standIn: imageName(t), image })
  const recorded = optionsOf(page, 'trace')
  if (recorded !== undefined) {
    const { code, stderr } = await pycds(['trace', image, ...recorded], { cwd: folder })
    t.is(code, 0, stderr)
  }
  const name = imageName(t)
  const options = optionsOf(page, 'bake') ?? []
  const { archive } = await bakes(t, [image, '-t', name, ...options], { cwd: folder })
  const { scenarios } = await verifies(t, name, MIN_HIT_RATE, optionsOf(page, 'verify')?.slice(2))
  t.log(`${archive.modules} modules; ${JSON.stringify(scenarios)}`)
  const before = await answerOf(t, image, row)
  t.true(before.includes(row.answers), before)
  t.is(await answerOf(t, name, row), before)
  const frozen = imageName(t)
  const { snapshot } = await bakes(t, [image, '-t', frozen, '--snapshot', ...options], { cwd: folder })
  const causes = new Set(snapshot?.leftOut.map(({ because, code, detail }) => `${because} ${code} ${detail}`))
  t.log(`snapshot: ${snapshot?.modules} modules, ${snapshot?.reason}; left out for`, causes)
  t.is(await answerOf(t, frozen, row), before)
}

/** What the application says: to a request, to an event, or in its output. */
async function answerOf(t: ExecutionContext, image: string, row: CookbookRow): Promise<string> {
  const variables = Object.entries(row.env ?? {}).flatMap(([key, value]) => ['-e', `${key}=${value}`])
  if (row.isFunction === true) {
    const mount = `${inRepository('test/fixtures/lambda_api.py')}:${API}:ro`
    const service = await started(
      t,
      '--network',
      'none',
      '-e',
      'PYCDS=off',
      '-v',
      mount,
      '--entrypoint',
      'python3',
      image,
      API,
    )
    await until(() => docker('logs', service), 'listening')
    await started(t, '--network', `container:${service}`, '-e', 'PYCDS=require', ...variables, image)
    return await until(() => docker('logs', service), row.answers)
  }
  const asks = askingProgram(row)
  if (asks === undefined) return await docker('run', '--rm', '--network', 'none', ...variables, image)
  const folders = (row.folders ?? []).flatMap((folder) => ['--tmpfs', folder])
  const application = await started(t, '--network', 'none', ...folders, ...variables, image)
  const exec = ['exec', '-e', 'PYCDS=off', application, 'python3', '-c', asks]
  return await until(async () => (await run('docker', exec)).stdout, row.answers)
}

async function started(t: ExecutionContext, ...words: string[]): Promise<string> {
  const container = await docker('run', '-d', ...words)
  t.teardown(() => run('docker', ['rm', '--force', container]).then(() => undefined))
  return container
}

/** Asks until the text is there; rejects with the last answer when the deadline is over. */
async function until(ask: () => Promise<string>, text: string): Promise<string> {
  const end = Date.now() + DEADLINE_MS
  let said = ''
  while (Date.now() < end) {
    said = await ask()
    if (said.includes(text)) return said
    await new Promise((resolve) => setTimeout(resolve, POLL_MS))
  }
  throw new Error(`nothing said ${text}: ${said}`)
}
