// SPDX-License-Identifier: Apache-2.0
// The core as WebAssembly gives what the addon gives, byte for byte, and takes the same damage.
import { existsSync, readFileSync } from 'node:fs'
import test from 'ava'
import { createArchiver } from '../../src/archive/archiver.js'
import { loadWasm } from '../../src/archive/wasm.js'
import { archiver, findPythons } from '../helpers/interpreters.js'
import { Bench } from '../helpers/python.js'
import { inRepository } from '../helpers/repository.js'
import { testInTurn } from '../helpers/test-in-turn.js'

const FILE = inRepository('prebuilds/wasm/pycds.wasm')
const TEXT = `import asyncio, decimal, email.message, json, re, unittest.mock
re.compile(r'(?P<first>a+)|(?P<other>\\d)')
re.compile(b'x*')
exec(compile('print(1)', 'é.py', 'exec'))
`

if (existsSync(FILE)) {
  const other = createArchiver(loadWasm(FILE))

  test('it supports the same versions and knows the same files', (t) => {
    t.deepEqual(other.supportedVersions(), archiver.supportedVersions())
    for (const path of [process.execPath, inRepository('package.json'), FILE]) {
      const bytes = readFileSync(path)
      t.deepEqual(other.identify(bytes), archiver.identify(bytes), path)
    }
  })

  for (const python of findPythons()) {
    testInTurn(`it writes and reads the archives of ${python.path}`, async (t) => {
      const bench = new Bench(t, python.path)
      const traced = await bench.train(bench.file('program/main.py', TEXT))
      const [one, two] = [archiver, other].map((core) =>
        core.write(bench.target(traced), traced.modules, { tool: 'é"\\\n' }, traced),
      )
      t.true((one?.modules ?? 0) > 50)
      t.deepEqual(two, one)
      const bytes = Buffer.from(one?.bytes ?? [])
      t.deepEqual(other.describe('a', bytes), archiver.describe('a', bytes))
      // A damaged or cut archive is refused for the same reason.
      for (const damaged of [bytes.subarray(0, 100), bytes.subarray(0, bytes.length - 1), flipped(bytes)]) {
        const [here, there] = [archiver, other].map(
          (core) => t.throws(() => core.describe('a', damaged))?.message,
        )
        t.is(there, here)
      }
    })
  }
} else test.skip('it was not built, for want of clang with the C library of wasi', () => undefined)

function flipped(bytes: Buffer): Buffer {
  const out = Buffer.from(bytes)
  const middle = Math.floor(out.length / 2)
  out[middle] = (out[middle] ?? 0) ^ 1
  return out
}
