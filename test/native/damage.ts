// SPDX-License-Identifier: Apache-2.0
// A damaged archive never changes what a program does. Damage is seeded: a failure can be repeated.

import { readFileSync } from 'node:fs'
import test from 'ava'
import { type Damaged, runDamaged } from '../helpers/damaged.js'
import { archiver, findPythons } from '../helpers/interpreters.js'
import { Bench } from '../helpers/python.js'
import { random } from '../helpers/sections.js'
import { testInTurn } from '../helpers/test-in-turn.js'
import { portion } from '../helpers/tier.js'

const SEED = 20261123
const FLIPS = portion(200)
const CUTS = portion(50)
/** No program is started for these. */
const READER_FLIPS = 200
const SCRIPT =
  'import json, decimal, argparse, email.message\nprint(json.dumps([1, "a"]), decimal.Decimal("1.5") + 1)\n'

const [python] = findPythons()
if (!python) test.skip('no supported CPython on this machine: damage is not tested', () => undefined)
else {
  testInTurn(
    `neither ${FLIPS} flipped bytes nor ${CUTS} cuts change a program (${python.version})`,
    async (t) => {
      const bench = new Bench(t, python.path)
      const script = bench.file('app/main.py', SCRIPT)
      await bench.train(script)
      const whole = readFileSync(bench.archive)
      const expected = await bench.runStock(script)
      t.is(expected.code, 0)
      t.deepEqual(await bench.runWithArchive(script, { PYCDS: 'require' }), expected)
      const numbers = random(SEED)
      const damaged: Damaged[] = []
      // Half of the flips fall on header and index, which are small but decide everything.
      for (let i = 0; i < FLIPS; i++) {
        const limit = i % 2 === 0 ? Math.min(16_384, whole.length) : whole.length
        const offset = Math.floor(numbers.next().value * limit)
        const copy = Buffer.from(whole)
        copy[offset] = (copy[offset] ?? 0) ^ (1 + Math.floor(numbers.next().value * 255))
        damaged.push([`flip at ${offset}`, copy])
      }
      for (let i = 0; i < CUTS; i++) {
        const length = Math.floor(numbers.next().value * whole.length)
        damaged.push([`cut to ${length}`, whole.subarray(0, length)])
      }
      await runDamaged(t, bench, script, expected, damaged)
    },
  )

  testInTurn('the reader finds every flipped byte', async (t) => {
    const bench = new Bench(t, python.path)
    await bench.train(bench.file('app/main.py', 'import json\n'))
    const whole = readFileSync(bench.archive)
    t.is(archiver.describe('whole', whole).bytes, whole.length)
    const numbers = random(SEED)
    for (let i = 0; i < READER_FLIPS; i++) {
      const copy = Buffer.from(whole)
      const offset = Math.floor(numbers.next().value * whole.length)
      copy[offset] = (copy[offset] ?? 0) ^ 0x40
      try {
        archiver.describe('flipped', copy)
        // Only padding between the parts is covered by no checksum.
        t.is(whole[offset], 0, `flip at ${offset} was not found`)
      } catch (error) {
        t.is((error as { code?: string }).code, 'ARCHIVE_INVALID')
      }
    }
  })
}
