// SPDX-License-Identifier: Apache-2.0
// The applications of the cookbook go on in their snapshots, and answer as they did: in the engine at hand, and in a store of
// containerd. They are made, started and asked as the benchmark does it. The packages come from PyPI.
import test, { type ExecutionContext } from 'ava'
import { NO_ACCOUNT } from '../../bench/accounts.js'
import { APPLICATIONS, type Application } from '../../bench/applications.js'
import { openPlace } from '../../bench/containers.js'
import { checkUse, commandOf, waysOf } from '../../bench/ways.js'
import { bakes } from '../helpers/cli.js'
import { COOKBOOK, type CookbookRow } from '../helpers/cookbook-rows.js'
import { DEADLINE_MS, run } from '../helpers/run.js'
import { type StoreEngine, storeEngines } from '../helpers/stores.js'
import { TIER } from '../helpers/tier.js'

/** Freezing starts the application many times; on a machine that does much else. */
const PATIENCE = ['--timeout', '10m']

const isPossible = TIER === 'all' && process.arch === 'x64'
const engines = isPossible ? await storeEngines() : ['it is for the tier all, on x86-64']

const trials = await Promise.all(
  COOKBOOK.map(async (row) => {
    const application = APPLICATIONS.find(({ name }) => name === row.page)
    if (application === undefined) throw new Error(`${row.page} is no application`)
    const made = isPossible ? application.image().catch((error: Error) => error) : undefined
    return { row, application, image: await made }
  }),
)

for (const { row, application, image } of trials) {
  for (const engine of engines) {
    const title = `the page ${row.page} of the cookbook goes on in its snapshot, and answers as it did`
    const absent = typeof engine === 'string' ? engine : image instanceof Error ? image.message : undefined
    if (absent !== undefined || typeof engine === 'string' || typeof image !== 'string')
      test.skip(`${title} (${absent})`, () => undefined)
    else test.serial(`${engine.engine}: ${title}`, (t) => goesOn(t, { row, application, image, engine }))
  }
}

interface Trial {
  row: CookbookRow
  application: Application
  image: string
  engine: StoreEngine
}

async function goesOn(
  t: ExecutionContext,
  { row, application, image, engine: { env, load } }: Trial,
): Promise<void> {
  t.timeout(2 * DEADLINE_MS)
  const source = await load(image)
  const name = `pycds-test-snapshot-${row.page}:${process.pid}`
  t.teardown(() => run('docker', ['image', 'rm', '--force', name], { env }).then(() => undefined))
  const words = [source, '-t', name, '--snapshot', ...PATIENCE, ...application.options]
  const { snapshot } = await bakes(t, words, { env })
  if (row.withoutSnapshot === undefined) t.like(snapshot, { reason: null, thaws: { starts: 20 } })
  else t.regex(snapshot?.reason ?? '', row.withoutSnapshot)

  const place = await openPlace(source, application, NO_ACCOUNT, env)
  t.teardown(() => place.close())
  const uses = { hasSnapshot: row.withoutSnapshot === undefined, isAtOnce: false }
  const ways = waysOf(source, name, await commandOf(source, env), uses)
  await checkUse(ways, place)
  const { answer: before } = await place.start({ image: source })
  t.true(before.includes(row.answers), before)
  for (const [way, program] of ways)
    if (way !== 'bare') t.is((await place.start(program)).answer, before, way)
}
