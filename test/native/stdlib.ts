// SPDX-License-Identifier: Apache-2.0
// The proof that objects are laid out right: the standard library's code, archived and
// loaded, equals what the interpreter makes of the same bytes itself.
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import test, { type ExecutionContext } from 'ava'
import { Bench, findPythons, readTraces } from '../helpers/python.js'

const fixture = (name: string) => fileURLToPath(new URL(`../fixtures/${name}`, import.meta.url))
const TRACER = fileURLToPath(new URL('../../native/tracer/tracer.py', import.meta.url))

const pythons = findPythons()
if (pythons.length === 0)
  test.skip('no supported CPython on this machine: the standard library is not compared', () => undefined)

async function compareStdlib(t: ExecutionContext, python: string): Promise<void> {
  t.timeout(240_000)
  const bench = new Bench(t, python)
  const traces = join(bench.directory, 'records')
  mkdirSync(traces)
  const record = await bench.run([fixture('stdlib.py'), 'record', traces, TRACER, fixture('constants.py')])
  t.is(record.code, 0, record.stderr)
  const [recorded] = readTraces(traces)
  t.truthy(recorded)
  if (!recorded) return
  t.true(recorded.modules.length > 500, `${recorded.modules.length} modules`)
  bench.write(recorded, recorded.modules)
  const compared = await bench.run([fixture('stdlib.py'), 'compare', traces], {
    PYCDS_ARCHIVE: bench.archive,
    PYTHONPATH: join(bench.directory, 'hook'),
  })
  t.is(compared.stderr, '')
  t.is(compared.stdout.trim(), `${recorded.modules.length}`)
  t.is(compared.code, 0)
}

for (const { path, version } of pythons) {
  test.serial(
    `every code object of CPython ${version}'s library equals the interpreter's own`,
    compareStdlib,
    path,
  )
}
