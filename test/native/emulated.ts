// SPDX-License-Identifier: Apache-2.0
// Another processor: what is injected runs there, and an archive that was written here is used there.
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import test from 'ava'
import { archiver, findEmulatedPythons } from '../helpers/interpreters.js'
import { Bench } from '../helpers/python.js'
import { inRepository } from '../helpers/repository.js'
import { testInTurn } from '../helpers/test-in-turn.js'
import { TIER } from '../helpers/tier.js'

const PREBUILDS = inRepository('prebuilds/')
const OTHER = process.arch === 'x64' ? 'arm64' : 'x64'
const PARTS = ['_pycds.abi3.so', 'pycds-tracer.so', 'pycds-probe']
const MACHINES: Readonly<Record<string, number>> = { x64: 62, arm64: 183 }

const built = PARTS.every((name) => existsSync(join(PREBUILDS, `linux-${OTHER}`, name)))
if (built) {
  test(`what is injected into images for ${OTHER} is built for it`, (t) => {
    for (const name of PARTS) {
      t.is(archiver.identify(readFileSync(join(PREBUILDS, `linux-${OTHER}`, name)))?.machine, MACHINES[OTHER])
    }
  })
} else {
  test.skip(`no compiler for ${OTHER} on this machine: what is injected there is not built`, () => undefined)
}

const pythons = built ? findEmulatedPythons() : []
if (pythons.length === 0)
  test.skip(
    TIER === 'all'
      ? `no CPython for ${OTHER}, or no emulator for it: none is run`
      : `PYCDS_TEST_TIER=${TIER}: no CPython for ${OTHER} is run`,
    () => undefined,
  )

for (const { path, version, architecture } of pythons) {
  testInTurn(
    `${version} on ${architecture}: modules come from an archive that was written on ${process.arch}`,
    async (t) => {
      const bench = new Bench(t, path)
      bench.file(
        'program/app.py',
        'def answer(a=(1, "x"), *, b={"k", 2}):\n    return lambda: (a, b, 2**70, 1.5, "é")\n',
      )
      const script = bench.file(
        'program/main.py',
        'import app, json, re\nprint(app.answer()(), json.dumps({"a": [1.5]}), re.sub("a+(b|c)", "-", "xaaby"))\n',
      )
      const trained = await bench.train(script)
      const described = archiver.describe('app.cds', readFileSync(bench.archive))
      t.is(described.pythonVersion, version)
      t.true(described.modules.some(({ name }) => name === 'json.decoder'))
      const stock = await bench.runStock(script, { PYTHONHASHSEED: '0' })
      const served = await bench.runWithArchive(script, { PYCDS: 'require', PYTHONHASHSEED: '0' })
      t.is(stock.code, 0, stock.stderr)
      t.deepEqual(served, stock)
      t.regex((await bench.runWithArchive(script, { PYCDS_LOG: '1' })).stderr, /served json\.decoder/)

      // The same archive, said to be for this machine.
      const target = bench.target(trained)
      const identity = { ...target.identity, machine: MACHINES[process.arch] ?? 0 }
      writeFileSync(
        bench.archive,
        archiver.write({ ...target, identity }, trained.modules, {}, trained).bytes,
      )
      t.regex((await bench.runWithArchive(script, { PYCDS: 'report' })).stderr, /not used: ARCHITECTURE/)
    },
  )
}
