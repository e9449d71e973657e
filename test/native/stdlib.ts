// SPDX-License-Identifier: Apache-2.0
// The proof that objects are laid out right: the standard library's code, archived and
// loaded, equals what the interpreter makes of the same bytes itself.
import { mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { Bench, findPythons, type Python, readTraces } from '../helpers/python.js'
import { inRepository } from '../helpers/repository.js'

const TRACER = readFileSync(inRepository('native/tracer/tracer.py'), 'utf8')

const pythons = findPythons()
if (pythons.length === 0)
  test.skip('no supported CPython on this machine: the standard library is not compared', () => undefined)

async function compareStdlib(t: ExecutionContext, { path, version }: Python): Promise<void> {
  t.timeout(240_000)
  const bench = new Bench(t, path)
  const traces = join(bench.directory, 'records')
  mkdirSync(traces)
  const script = bench.fixture('stdlib.py')
  const more = [bench.fixture('constants.py')]
  if (Number(version.split('.')[1]) >= 11) more.push(bench.fixture('syntax_311.py'))
  const record = await bench.run([script, 'record', traces, bench.file('tracer.py', TRACER), ...more])
  t.is(record.code, 0, record.stderr)
  const [recorded] = readTraces(traces)
  t.truthy(recorded)
  if (!recorded) return
  t.true(recorded.modules.length > 500, `${recorded.modules.length} modules`)
  bench.write(recorded, recorded.modules)
  const compared = await bench.run([script, 'compare', traces], {
    PYCDS_ARCHIVE: bench.archive,
    PYTHONPATH: join(bench.directory, 'hook'),
  })
  t.is(compared.stderr, '')
  t.is(compared.stdout.trim(), `${recorded.modules.length}`)
  t.is(compared.code, 0)
}

for (const python of pythons) {
  test.serial(
    `every code object of CPython ${python.version}'s library equals the interpreter's own`,
    compareStdlib,
    python,
  )
}
