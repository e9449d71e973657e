// SPDX-License-Identifier: Apache-2.0
// The proof that objects are laid out right: the standard library's code, archived and
// loaded, equals what the interpreter makes of the same bytes itself.
import { mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { findPythons, minorOf, type Python } from '../helpers/interpreters.js'
import { Bench, readRunLogs } from '../helpers/python.js'
import { inRepository } from '../helpers/repository.js'
import { testInTurn } from '../helpers/test-in-turn.js'
import { TIER } from '../helpers/tier.js'

const TRACER = readFileSync(inRepository('native/trace/tracer.py'), 'utf8')

/** Of so many files of the library one is taken. */
const STEP = TIER === 'all' ? 1 : 8

const pythons = findPythons()
if (pythons.length === 0)
  test.skip('no supported CPython on this machine: the standard library is not compared', () => undefined)

async function compareStdlib(t: ExecutionContext, python: Python): Promise<void> {
  const bench = new Bench(t, python.path)
  const traces = join(bench.directory, 'records')
  mkdirSync(traces)
  const script = bench.fixture('stdlib.py')
  const more = [bench.fixture('constants.py')]
  if (minorOf(python) >= 11) more.push(bench.fixture('syntax_311.py'))
  const tracer = bench.file('tracer.py', TRACER)
  const record = await bench.run([script, 'sample', `${STEP}`, traces, tracer, ...more])
  t.is(record.code, 0, record.stderr)
  const [recorded] = readRunLogs(traces)
  t.truthy(recorded)
  if (!recorded) return
  t.true(recorded.modules.length > 500 / STEP, `${recorded.modules.length} modules`)
  bench.write(recorded, recorded.modules)
  const compared = await bench.run([script, 'compare', traces], {
    PYCDS_ARCHIVE: bench.archive,
    PYTHONPATH: join(bench.directory, 'hook'),
  })
  t.is(compared.stderr, '')
  t.is(compared.stdout.trim(), `${recorded.modules.length}`)
  t.is(compared.code, 0)
}

const share = STEP === 1 ? 'every code object' : `each code object of one file in ${STEP}`
for (const python of pythons) {
  testInTurn(`${share} of CPython ${python.version}'s library equals the interpreter's own`, (t) =>
    compareStdlib(t, python),
  )
}
