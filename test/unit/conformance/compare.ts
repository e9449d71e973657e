// SPDX-License-Identifier: Apache-2.0
// Stand-in suites: what counts as a difference, what is flaky, and what proves nothing.
import { readFileSync } from 'node:fs'
import test from 'ava'
import { BY_DESIGN } from '../../../conformance/by-design.js'
import { differingCases, FILE, judge } from '../../../conformance/compare.js'
import { compareFile } from '../../../conformance/compare-file.js'
import { conclude, describeFile, describeStop } from '../../../conformance/lines.js'
import type { FileRun, Side } from '../../../conformance/outcomes.js'
import { inRepository } from '../../helpers/repository.js'

const WITHOUT = { process: 2, parent: 1, status: 'ABSENT', served: 0, snapshot: 'ABSENT' }
const PLAIN = [WITHOUT, { ...WITHOUT, process: 3, parent: 2 }]
const STARTED = { process: 2, parent: 1, status: 'ACCEPTED', served: 1, snapshot: 'ABSENT' }
const CHILD = { ...STARTED, process: 3, parent: 2 }

function run(side: Side, outcomes: Readonly<Record<string, string>>, more: Partial<FileRun> = {}): FileRun {
  return {
    end: 'completed',
    cases: new Map(Object.entries(outcomes).map(([name, outcome]) => [name, { outcome, detail: '' }])),
    starts: side === 'plain' ? PLAIN : [STARTED, CHILD],
    counters: side === 'plain' ? { status: 'ABSENT' } : { status: 'ACCEPTED', served: 20 },
    ...{ seconds: 1, output: '' },
    ...more,
  }
}

/** A suite of one file whose runs are given, in order; counts them. */
function standIn(runs: Readonly<Record<Side, readonly FileRun[]>>) {
  const made = { plain: 0, archive: 0 }
  const runFile = async (side: Side): Promise<FileRun> => {
    const one = runs[side][Math.min(made[side], runs[side].length - 1)]
    made[side]++
    if (!one) throw new Error('a stand-in without runs')
    return one
  }
  return { made, runFile }
}

const always = (plain: FileRun, archive: FileRun) => standIn({ plain: [plain], archive: [archive] })

test('a file that gives the same runs once on each side', async (t) => {
  const outcomes = { a: 'passed', b: 'skipped', c: 'failed', d: 'failed as expected' }
  const { made, runFile } = always(run('plain', outcomes), run('archive', outcomes))
  const { result } = await compareFile('file', runFile)
  t.deepEqual(made, { plain: 1, archive: 1 })
  t.like(result, { attempted: 4, passed: 2, skipped: 1, failed: 1, differing: [], flaky: [], faults: [] })
  t.like(conclude([result]), { ok: true })
})

test('a difference that three reruns confirm counts, and the sentence says so', async (t) => {
  const { made, runFile } = always(
    run('plain', { a: 'passed', b: 'passed' }),
    run('archive', { a: 'failed', b: 'passed' }),
  )
  const { result } = await compareFile('file', runFile)
  t.deepEqual(made, { plain: 4, archive: 4 })
  t.is(result.passed, 1)
  t.deepEqual(
    result.differing.map((one) => one.case),
    ['a'],
  )
  t.regex(describeFile(result), /DIFFERS: a: passed/)
  const { ok, sentence } = conclude([result])
  t.false(ok)
  t.regex(sentence, /1 differ, 0 as documented, 0 are flaky/)
})

test('what differs as documented is counted apart and fails nothing, in its own file only', async (t) => {
  const name = 'test.test_subprocess.POSIXProcessTestCase.test_pass_fds_redirected'
  const { runFile } = always(run('plain', { [name]: 'passed' }), run('archive', { [name]: 'failed' }))
  const { result } = await compareFile('test_subprocess', runFile)
  t.deepEqual([result.differing.length, result.byDesign.length], [0, 1])
  t.true(conclude([result]).ok)
  const { runFile: elsewhere } = always(
    run('plain', { [name]: 'passed' }),
    run('archive', { [name]: 'failed' }),
  )
  t.is((await compareFile('test_os', elsewhere)).result.differing.length, 1)
})

test('every case that differs by design stands in docs/compatibility.md', (t) => {
  const page = readFileSync(inRepository('docs/compatibility.md'), 'utf8')
  t.deepEqual(
    BY_DESIGN.filter((one) => !page.includes(`\`${one.file}\`, \`${one.test}\``)),
    [],
  )
})

test('a case that fails now and then is flaky, is named, and fails nothing', async (t) => {
  const archive = ['failed', 'passed', 'passed', 'passed'].map((a) => run('archive', { a }))
  const { runFile } = standIn({ plain: [run('plain', { a: 'passed' })], archive })
  const { result } = await compareFile('file', runFile)
  t.deepEqual(result.differing, [])
  t.deepEqual(
    result.flaky.map(({ case: name, archive: outcomes }) => [name, ...outcomes]),
    [['a', 'failed', 'passed', 'passed', 'passed']],
  )
  t.regex(describeFile(result), /flaky: a/)
  t.true(conclude([result]).ok)
})

test('a file that crashes with the archive differs as a whole; cases that it did not come to are not counted', async (t) => {
  const plain = run('plain', { a: 'passed', b: 'failed', c: 'passed' })
  const crashed = run('archive', { a: 'passed', b: 'passed' }, { end: 'SIGSEGV', counters: undefined })
  t.deepEqual(differingCases(plain, crashed), [FILE, 'b'])
  const { result } = await compareFile('file', always(plain, crashed).runFile)
  t.like(result.differing[0], { case: FILE, archive: ['SIGSEGV', 'SIGSEGV', 'SIGSEGV', 'SIGSEGV'] })
  t.false(conclude([result]).ok)
})

test('a file that does not end in its time is compared as far as it came, is named, and fails the run', async (t) => {
  const late = { end: 'not ended in 60 s', counters: undefined }
  const { made, runFile } = always(
    run('plain', { a: 'passed' }, late),
    run('archive', { a: 'passed', b: 'passed' }, late),
  )
  const { result } = await compareFile('file', runFile)
  t.deepEqual(made, { plain: 1, archive: 1 })
  t.deepEqual([...result.differing, ...result.flaky], [])
  t.regex(describeFile(result), /^file: 2 cases, 1 passed both ways, not ended in 60 s/)
  const { ok, sentence } = conclude([result])
  t.false(ok)
  t.regex(sentence, /; not ended in their time, and compared as far as they came: file\.$/)
})

test('a run that is interrupted says in one sentence where, and what is kept', (t) => {
  const progress = { done: 2, of: 5, path: 'results/x.json', resumable: true }
  t.is(
    describeStop('Interrupted by SIGTERM', { ...progress, file: 'test_c' }),
    'Interrupted by SIGTERM in test_c; the results of 2 of 5 files are kept in results/x.json, and the same command with --resume goes on from there.',
  )
  t.is(
    describeStop('Interrupted by SIGINT', { ...progress, file: 'test_c', resumable: false }),
    'Interrupted by SIGINT in test_c; the results of 2 of 5 files are kept in results/x.json.',
  )
  t.is(
    describeStop('Interrupted by SIGINT', { ...progress, done: 0 }),
    'Interrupted by SIGINT before the first test; there are no results to keep.',
  )
})

test('a case that one side has not differs, and a crash on both sides does not', (t) => {
  t.deepEqual(differingCases(run('plain', { a: 'passed' }), run('archive', {})), ['a'])
  const crash = { end: 'SIGABRT' }
  t.deepEqual(
    differingCases(run('plain', { a: 'passed' }, crash), run('archive', { a: 'passed' }, crash)),
    [],
  )
})

test('what always says the same on one side and hardly ever on the other is a difference', (t) => {
  const four = (...outcomes: string[]) => outcomes
  const passed = four('passed', 'passed', 'passed', 'passed')
  t.is(judge({ plain: passed, archive: passed }), 'same')
  t.is(judge({ plain: passed, archive: four('failed', 'failed', 'passed', 'failed') }), 'differs')
  t.is(judge({ plain: four('failed', 'error', 'failed', 'error'), archive: passed }), 'differs')
  t.is(judge({ plain: passed, archive: four('failed', 'failed', 'passed', 'passed') }), 'flaky')
  const now = four('failed', 'passed', 'failed', 'passed')
  t.is(judge({ plain: now, archive: four('failed', 'failed', 'failed', 'passed') }), 'flaky')
})

const withoutUse: Record<string, { archive?: Partial<FileRun>; plain?: Partial<FileRun>; fault: RegExp }> = {
  'no hook in the process of the tests': {
    archive: { starts: [{ ...STARTED, status: 'ABSENT', served: 0 }, CHILD] },
    fault: /not in use in the process of the tests: ABSENT/,
  },
  'an archive that was refused': {
    archive: { starts: [{ ...STARTED, status: 'BUILD_MISMATCH', served: 0 }, CHILD] },
    fault: /BUILD_MISMATCH/,
  },
  'an archive that served nothing': {
    archive: { counters: { status: 'ACCEPTED', served: 0 } },
    fault: /had nothing from the archive/,
  },
  'children without the archive': {
    archive: { starts: [STARTED, CHILD, { ...CHILD, process: 4, status: 'MISSING', served: 0 }] },
    fault: /not in use in 1 children: MISSING/,
  },
  'no word of any interpreter': { archive: { starts: [] }, plain: { starts: [WITHOUT] }, fault: /no hook/ },
  'word of a few of many children': {
    plain: { starts: [...PLAIN, ...PLAIN, ...PLAIN] },
    fault: /1 children left word.* had 5$/,
  },
  'no word of children': { archive: { starts: [STARTED] }, fault: /no child left word.* had 1$/ },
  'a runtime in the plain run': { plain: { starts: [STARTED] }, fault: /runtime was there in 1/ },
  'a test runner that failed before its first test': {
    plain: { cases: new Map(), output: 'Traceback (most recent call last):\nImportError: no plugin\n' },
    archive: { cases: new Map() },
    fault: /no test was reported: ImportError: no plugin/,
  },
  'no word of the plain run': { plain: { starts: [] }, fault: /no interpreter of the plain run/ },
}

for (const [what, { plain, archive, fault }] of Object.entries(withoutUse)) {
  test(`${what}: the run proves nothing, even where all cases are the same`, async (t) => {
    const cases = { a: 'passed' }
    const { runFile } = always(run('plain', cases, plain), run('archive', cases, archive))
    const { result } = await compareFile('file', runFile)
    t.is(result.faults.length, 1)
    t.regex(result.faults[0] ?? '', fault)
    const { ok, sentence } = conclude([result])
    t.false(ok)
    t.regex(sentence, /not in use everywhere/)
  })
}

test('children that ask for another level of -O, and sub-interpreters, may be without it, and one may not have needed it', async (t) => {
  const statuses = ['OPTIMIZE', 'DEBUG_RANGES', 'INTERPRETER', 'ACCEPTED']
  const others = statuses.map((status) => ({ ...CHILD, status, served: 0 }))
  const archive = run('archive', { a: 'passed' }, { starts: [STARTED, CHILD, ...others] })
  const { result } = await compareFile('file', always(run('plain', { a: 'passed' }), archive).runFile)
  t.deepEqual(result.faults, [])
  t.deepEqual(result.proof.refused, { OPTIMIZE: 1, DEBUG_RANGES: 1, INTERPRETER: 1, ACCEPTED: 1 })
  t.is(result.proof.children, 1)
})

test('a whole run whose children all refused the archive proves nothing; one without children does', async (t) => {
  const cases = { a: 'passed' }
  const refused = run('archive', cases, { starts: [STARTED, { ...CHILD, status: 'OPTIMIZE', served: 0 }] })
  const { ok, sentence } = conclude([
    (await compareFile('file', always(run('plain', cases), refused).runFile)).result,
  ])
  t.false(ok)
  t.regex(sentence, /no child used the archive/)
  const alone = always(
    run('plain', cases, { starts: [WITHOUT] }),
    run('archive', cases, { starts: [STARTED] }),
  )
  t.true(conclude([(await compareFile('file', alone.runFile)).result]).ok)
  t.false(conclude([]).ok)
})

test('with a snapshot the process of the tests must go on in it; children may say why they did not', async (t) => {
  const cases = { a: 'passed' }
  const thawed = { ...STARTED, status: 'THAWED', served: 0, snapshot: 'THAWED' }
  const child = { ...CHILD, snapshot: 'CONFIGURATION' }
  const counters = { status: 'ACCEPTED', served: 0, ready: 30 }
  const inIt = run('archive', cases, { starts: [thawed, child, { ...thawed, process: 4 }], counters })
  const { result } = await compareFile('file', always(run('plain', cases), inIt).runFile, 'snapshot')
  t.deepEqual(result.faults, [])
  t.like(result.proof, { served: 30, children: 2, snapshots: { thawed: 2, refused: { CONFIGURATION: 1 } } })
  t.regex(conclude([result]).sentence, /2 of all these went on in the snapshot/)

  const notInIt = run('archive', cases, { starts: [{ ...STARTED, snapshot: 'CPU' }, child] })
  const { result: refused } = await compareFile(
    'file',
    always(run('plain', cases), notInIt).runFile,
    'snapshot',
  )
  t.regex(refused.faults.join(), /did not go on in the snapshot: CPU/)
  t.false(conclude([refused]).ok)
})
