// SPDX-License-Identifier: Apache-2.0
// The pages of the cookbook, as they stand: each page's own Dockerfile is built, baked and verified with the page's own
// commands, and the baked application answers as the other does. The packages come from PyPI, so this is of the tier all.
import { rmSync } from 'node:fs'
import test, { type ExecutionContext } from 'ava'
import { NO_ACCOUNT } from '../../bench/accounts.js'
import { openPlace } from '../../bench/containers.js'
import { bakes, pycds, verifies } from '../helpers/cli.js'
import { cookbookPage, optionsOf } from '../helpers/cookbook.js'
import { buildPage, wheelsFor } from '../helpers/cookbook-image.js'
import { COOKBOOK, type CookbookRow } from '../helpers/cookbook-rows.js'
import { imageName } from '../helpers/engine.js'
import { ensureImage } from '../helpers/images.js'
import { DEADLINE_MS } from '../helpers/run.js'
import { temporary } from '../helpers/temporary.js'
import { TIER } from '../helpers/tier.js'

const MIN_HIT_RATE = 90

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
  const place = await openPlace(image, row, NO_ACCOUNT)
  t.teardown(() => place.close())
  const answerOf = async (baked: string, env = {}) => (await place.start({ image: baked, env })).answer
  const before = await answerOf(image)
  t.true(before.includes(row.answers), before)
  t.is(await answerOf(name, { PYCDS: 'require' }), before)
  const frozen = imageName(t)
  const { snapshot } = await bakes(t, [image, '-t', frozen, '--snapshot', ...options], { cwd: folder })
  const causes = new Set(snapshot?.leftOut.map(({ because, code, detail }) => `${because} ${code} ${detail}`))
  t.log(`snapshot: ${snapshot?.modules} modules, ${snapshot?.reason}; left out for`, causes)
  t.is(await answerOf(frozen, { PYCDS: 'require' }), before)
}
