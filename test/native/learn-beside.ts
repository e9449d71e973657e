// SPDX-License-Identifier: Apache-2.0
// On a baked image what the archive lacks is learned as a second one, and both are used.
import { mkdirSync, readdirSync, readFileSync, truncateSync } from 'node:fs'
import { join } from 'node:path'
import test from 'ava'
import { archiver, findPythons } from '../helpers/interpreters.js'
import { LEARN_WAIT, School } from '../helpers/school.js'
import { findFreezable } from '../helpers/snapshot.js'
import { testInTurn } from '../helpers/test-in-turn.js'
import { WarmBench } from '../helpers/warm.js'

/** What training sees, and what only production asks for. */
const BODY = `import json, os, re
print(json.dumps([re.compile("(?P<a>x+)|y").pattern]), eval("1 + 1"))
if os.environ.get("MORE"):
    import decimal, dataclasses, of_shop
    from dataclasses import dataclass
    @dataclass
    class Point:
        x: int
    print(Point(decimal.Decimal(3)), re.compile("(?P<b>z+)|w").groupindex, eval("2 + 2"), of_shop.PRICE)
if os.environ.get("AGAIN"):
    import importlib
    print(importlib.reload(json).dumps(1))
`
const TOLD = `import sys
told = _pycds.stats()
print(*(told[key] for key in ("learning", "served_by_learned", "regexes_missed", "sources_missed")), file=sys.stderr)
`

/** A program whose training run did not see all of it, and its archive. */
async function baked(school: School): Promise<string> {
  school.bench.file('of_shop.py', 'PRICE = 7\n')
  const script = school.program('app.py', BODY + TOLD)
  await school.bench.train(script, 'stat', { env: { PYTHONPATH: school.hook } })
  return script
}

function environment(school: School, more: Record<string, string> = {}): Record<string, string> {
  return { PYCDS_ARCHIVE: school.bench.archive, PYCDS_LEARN_WAIT: LEARN_WAIT, MORE: '1', ...more }
}

/** Names of the modules of what was learned in a directory. */
function learned({ directory }: { directory: string }): string[] {
  const files = readdirSync(directory).filter((name) => name.endsWith('.cds'))
  return files.flatMap((name) =>
    archiver.describe(name, readFileSync(join(directory, name))).modules.map((module) => module.name),
  )
}

const pythons = findPythons()

for (const { path, version } of pythons) {
  testInTurn(`${version}: what the archive lacks is learned beside it`, async (t) => {
    const school = new School(t, path)
    const script = await baked(school)
    const plain = await school.run(script, { PYCDS_LEARN: '', MORE: '1' })
    const first = await school.run(script, environment(school))
    t.is(first.stdout, plain.stdout)
    t.regex(first.stderr, /^(RECORDING|LEARNED) 0 [1-9]\d* [1-9]\d*\n$/)
    const names = learned(school)
    t.true(names.includes('dataclasses') && names.includes('of_shop'), names.join())
    t.false(names.includes('json') || names.includes('re'), names.join())
    const second = await school.run(script, environment(school))
    t.is(second.stdout, plain.stdout)
    t.is(second.stderr, `USED ${names.length} 0 0\n`)
    const finder = await school.run(script, environment(school, { PYCDS_TAKEOVER: 'off' }))
    t.deepEqual(finder, second)
  })
}
const [python] = pythons

if (python === undefined) {
  test.skip('learning beside an archive (no supported CPython on this machine)', () => {})
} else {
  testInTurn('where nothing is lacking, that is learned, too', async (t) => {
    const school = new School(t, python.path)
    const script = await baked(school)
    const plain = await school.run(script, { PYCDS_LEARN: '', MORE: '' })
    await school.run(script, environment(school, { MORE: '' }))
    t.deepEqual(learned(school), [])
    t.deepEqual(await school.run(script, environment(school, { MORE: '' })), {
      ...plain,
      stderr: 'USED 0 0 0\n',
    })
  })

  testInTurn(
    'a source that was changed after the bake is learned, and one that is loaded again is not',
    async (t) => {
      const school = new School(t, python.path)
      const script = await baked(school)
      const retrained = new School(t, python.path)
      await school.bench.train(script, 'stat', { env: { PYTHONPATH: school.hook, MORE: '1' } })
      t.is((await school.run(script, environment(school, { PYCDS_LEARN: '' }))).stderr, 'OFF 0 0 0\n')
      school.bench.file('of_shop.py', 'PRICE = "eleven"\n')
      const env = environment(school, { AGAIN: '1' })
      const first = await school.run(script, env)
      t.true(first.stdout.includes('eleven'))
      t.deepEqual(learned(school), ['of_shop'])
      t.deepEqual(await school.run(script, env), { ...first, stderr: 'USED 1 0 0\n' })
      t.deepEqual(retrained.files(''), [])
    },
  )

  testInTurn('what was learned beside one archive is not used beside another', async (t) => {
    const school = new School(t, python.path)
    const script = await baked(school)
    await school.run(script, environment(school))
    await school.bench.train(script, 'stat', { env: { PYTHONPATH: school.hook, MORE: '1' } })
    const { stderr } = await school.run(script, environment(school))
    t.regex(stderr, /^(RECORDING|LEARNED) 0 0 0\n$/)
    t.is(school.files('.cds').length, 2)
  })

  testInTurn('a damaged one is learned anew, and that of the image is used meanwhile', async (t) => {
    const school = new School(t, python.path)
    const script = await baked(school)
    const first = await school.run(script, environment(school))
    const [name = ''] = school.files('.cds')
    truncateSync(join(school.directory, name), 100)
    const again = await school.run(script, environment(school))
    t.is(again.stdout, first.stdout)
    t.regex(again.stderr, /^(RECORDING|LEARNED) 0 /)
    t.regex((await school.run(script, environment(school))).stderr, /^USED [1-9]\d* 0 0\n$/)
  })
}

const freezable = findFreezable()
if (freezable.length === 0)
  test.skip('learning in a snapshot (no CPython on this machine that can be frozen)', () => undefined)

for (const frozen of freezable) {
  testInTurn(
    `${frozen.version}: what snapshot and archive lack is learned in a thawed process`,
    async (t) => {
      const bench = new WarmBench(t, frozen)
      const directory = join(bench.directory, 'learned')
      mkdirSync(directory, { mode: 0o700 })
      bench.file('app/of_shop.py', 'PRICE = 7\n')
      const script = bench.file('app/app.py', `import _pycds\n${BODY}${TOLD}`)
      await bench.train('import json, re, encodings.idna')
      await bench.freezeWarm(['json'])
      const env = { PYCDS_LEARN_WAIT: LEARN_WAIT, MORE: '1' }
      const plain = await bench.startPlain([script], { env })
      const first = await bench.start([script], { env: { ...env, PYCDS_LEARN: directory } })
      t.is(first.snapshot, 'thawed')
      t.is(first.stdout, plain.stdout)
      t.regex(first.stderr, /^(RECORDING|LEARNED) 0 /)
      const names = learned({ directory })
      t.true(
        names.includes('of_shop') && names.includes('dataclasses') && !names.includes('json'),
        names.join(),
      )
      const second = await bench.start([script], { env: { ...env, PYCDS_LEARN: directory } })
      t.deepEqual(second, { ...first, stderr: `USED ${names.length} 0 0\n` })
    },
  )
}
