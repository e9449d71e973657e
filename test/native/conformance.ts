// SPDX-License-Identifier: Apache-2.0
// The conformance runner with a real interpreter and a stand-in suite: it sees what differs, and whether the archive was
// in use in the process of the tests and in its children, under -I and -E and with an empty environment too.
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { ExecutionContext } from 'ava'
import test from 'ava'
import { FILE } from '../../conformance/compare.js'
import { compareFile } from '../../conformance/compare-file.js'
import { freezeStage } from '../../conformance/freeze.js'
import { choosePython } from '../../conformance/pythons.js'
import { cannotConfine } from '../../conformance/sandbox.js'
import { Stage } from '../../conformance/stage.js'
import { trainStage } from '../../conformance/train.js'
import { archiver, findPythons } from '../helpers/interpreters.js'
import { inRepository } from '../helpers/repository.js'
import { findFreezable } from '../helpers/snapshot.js'
import { rootOf } from '../helpers/start.js'
import { temporary } from '../helpers/temporary.js'
import { testInTurn } from '../helpers/test-in-turn.js'

const COLLECTORS = inRepository('conformance/python')
const ENDS = { 0: 'completed' }

/** Records cases by itself: one is decided by the archive, one file crashes with it, one hangs. */
const SUITE = `
import os, subprocess, sys
sys.path.insert(0, sys.argv[1])
from collect import Record
record = Record(sys.argv[2])
with_archive = "_pycds" in sys.modules
record.case("same", "passed")
record.case("otherwise", "failed" if with_archive else "passed")
if sys.argv[3] == "children":
    subprocess.check_call([sys.executable, "-c", "import json"])
    for options in ([], ["-I"], ["-E"], ["-S"], ["-O"]):
        subprocess.check_call([sys.executable, *options, "-c", "import json"], env={})
if sys.argv[3] == "crash" and with_archive:
    os.kill(os.getpid(), 11)
if sys.argv[3] == "hang":
    subprocess.Popen([sys.executable, "-c", "import time; time.sleep(1000)"])
    os.waitpid(-1, 0)
record.end()
`

/** Leaves many processes that write into directories of their own; their memory keeps each a while in its end. */
const WRITERS = `
import os
for number in range(24):
    if os.fork() == 0:
        held = bytearray(16 << 20)
        place = os.path.join(os.environ["TMPDIR"], str(number))
        count = 0
        while True:
            os.makedirs(place, exist_ok=True)
            open(os.path.join(place, str(count)), "w").close()
            count += 1
os.wait()
`

const [python] = findPythons().filter(({ path }) => rootOf(path) === '')
const refusal = await cannotConfine('/dev/null')

async function stageFor(t: ExecutionContext, version: string, interruption?: AbortSignal): Promise<Stage> {
  const stage = await Stage.open({
    python: await choosePython(version),
    runtime: archiver.injected(process.arch).runtime,
    witness: readFileSync(join(COLLECTORS, 'witness.py'), 'utf8'),
    interruption,
  })
  t.teardown(() => stage.close())
  return stage
}

function runner(t: ExecutionContext, stage: Stage) {
  const suite = join(temporary(t, { 'suite.py': SUITE }), 'suite.py')
  return (side: 'plain' | 'archive', what: string) =>
    stage.runTests(
      side,
      { args: [suite, COLLECTORS, stage.record, what], limitSeconds: what === 'hang' ? 5 : 240 },
      ENDS,
    )
}

if (!python || refusal !== undefined) {
  test.skip(`${refusal ?? 'no supported CPython'}: the conformance runner is not run`, () => undefined)
} else {
  testInTurn('an archive that is in use is proven, and what it decides otherwise is found', async (t) => {
    const stage = await stageFor(t, python.version)
    const training = ['-c', 'import json, re, subprocess']
    const { modules } = await trainStage(stage, [{ args: training, limitSeconds: 240 }], archiver)
    t.true(modules > 5)
    const run = runner(t, stage)
    const { result } = await compareFile('children', run)
    t.deepEqual(result.faults, [])
    t.deepEqual(
      result.differing.map((one) => one.case),
      ['otherwise'],
    )
    t.is(result.passed, 1)
    // -S reads no site directory, and -O is another archive.
    t.is(result.proof.children, 4)
    t.deepEqual(result.proof.refused, { OPTIMIZE: 1 })

    const crashed = await compareFile('crash', run)
    t.like(crashed.result.differing[0], { case: FILE, plain: Array(4).fill('completed') })
    t.is(crashed.result.differing[0]?.archive[0], 'SIGSEGV')

    const hung = await run('archive', 'hang')
    t.is(hung.end, 'not ended in 5 s')
    t.is(hung.cases.get('same')?.outcome, 'passed')
  })

  testInTurn('what has been ended writes no more: its directories can be removed', async (t) => {
    const controller = new AbortController()
    const stage = await stageFor(t, python.version, controller.signal)
    const command = { args: ['-c', WRITERS], limitSeconds: 3 }
    const late = await stage.run('plain', command)
    t.is(late.lateSeconds, 3)
    // Removes what the one before has written.
    await t.throwsAsync(
      async () => {
        setTimeout(() => controller.abort(new Error('interrupted')), 3000)
        await stage.run('plain', { ...command, limitSeconds: 240 })
      },
      { message: 'interrupted' },
    )
    // Nothing more begins.
    await t.throwsAsync(stage.run('plain', command), { message: 'interrupted' })
    t.notThrows(() => stage.close())
    t.false(existsSync(stage.directory))
  })

  testInTurn('without the archive on its side a run is none', async (t) => {
    const stage = await stageFor(t, python.version)
    const { result } = await compareFile('children', runner(t, stage))
    t.deepEqual(result.differing, [])
    t.regex(result.faults.join('\n'), /not in use in the process of the tests: ABSENT/)
    t.regex(result.faults.join('\n'), /not in use in 5 children: ABSENT/)
  })
}

const [freezable] = findFreezable()
if (!freezable || refusal !== undefined) {
  test.skip(`${refusal ?? 'no CPython that can be frozen'}: no conformance with a snapshot`, () => undefined)
} else {
  testInTurn('a snapshot that is in use is proven, in children too', async (t) => {
    const stage = await stageFor(t, freezable.version)
    const training = ['-c', 'import json, re, subprocess']
    const { plan } = await trainStage(stage, [{ args: training, limitSeconds: 240 }], archiver)
    const { modules } = await freezeStage(stage, plan, archiver, (line) => t.log(line))
    t.true(modules.includes('json.decoder'))
    const { result } = await compareFile('children', runner(t, stage), 'snapshot')
    t.deepEqual(result.faults, [])
    t.deepEqual(
      result.differing.map((one) => one.case),
      ['otherwise'],
    )
    t.is(result.proof.children, 4)
    // The process of the tests, and a child that is started as it is.
    t.deepEqual(result.proof.snapshots, { thawed: 2, refused: { ENVIRONMENT: 4 } })
  })
}
