// SPDX-License-Identifier: Apache-2.0
import test from 'ava'
import type { Difference } from '../../../conformance/compare-file.js'
import { conformancePage } from '../../../conformance/report.js'
import type { Results, SavedFile } from '../../../conformance/results.js'
import { addResult, withoutResult } from '../../../conformance/results.js'
import type { Group } from '../../../conformance/suites/suite.js'

const DIFFERENCE: Difference = { case: 'test.a', plain: ['passed'], archive: ['failed'], detail: '' }

function file(name: string, more: Partial<SavedFile> = {}): SavedFile {
  return {
    ...{ file: name, group: 'CPython 3.11.2', commit: 'abc', end: 'completed' },
    ...{ attempted: 10, passed: 7, skipped: 2, failed: 0, differing: [DIFFERENCE], byDesign: [] },
    ...{ flaky: [], faults: [], seconds: { plain: 1, archive: 1 } },
    proof: { served: 100, children: 4, expected: 4, refused: {} },
    ...more,
  }
}

function results(suite: string, files: SavedFile[], absent: Results['absent'] = []): Results {
  const python = { version: '3.11.2', shared: false }
  return { schema: 'io.pycds.conformance/1', suite, python, files, absent }
}

test('the page counts over all files of an interpreter, and names what differs and what was not run', (t) => {
  const page = conformancePage([
    results('cpython', [file('test_a'), file('test_b', { differing: [], end: 'SIGSEGV' })]),
    results(
      'packages',
      [file('attrs/tests', { group: 'attrs 25.3.0', end: 'not ended in 1800 s' })],
      [{ name: 'dill', reason: 'pip: no' }],
    ),
  ])
  t.true(page.includes('| 3.11.2, static | 20 | 14 | 4 | 0 | 1 | 0 | 0 | 8 |'))
  t.true(page.includes('| attrs 25.3.0 on 3.11.2 | 10 | 7 | 2 | 0 | 1 | 0 | 0 | 4 | commit abc |'))
  t.true(page.includes('- `test_a` on 3.11.2: `test.a`: passed; with the archive failed'))
  t.true(page.includes('`test_b`: SIGSEGV'))
  t.true(page.includes('`attrs/tests`: not ended in 1800 s'))
  t.true(page.includes('- dill: pip: no'))
  t.true(page.includes('Not attempted on 3.11.2: `jinja2/tests`, '))
  t.false(page.includes('`dill.tests`'))
})

test('names of cases are what they are in Markdown, too', (t) => {
  const named = (name: string) => file('test_a', { differing: [{ ...DIFFERENCE, case: name }] })
  const page = conformancePage([results('cpython', [named('a\nb `c`'), named('test_d [x|y]')])])
  t.true(page.includes('- `test_a` on 3.11.2: `` a\\x0ab `c` ``: passed; with the archive failed\n'))
  t.true(page.includes('- `test_a` on 3.11.2: `test_d [x|y]`: passed'))
})

test('the page tells of each file at which commit it was tested, and when', (t) => {
  const files = [file('test_a'), file('test_b', { commit: 'def', day: '2026-01-02' }), file('test_c')]
  const page = conformancePage([results('cpython', files), results('packages', files)])
  t.true(page.includes('- commit abc: `test_a`, `test_c`\n- commit def, 2026-01-02: `test_b`'))
  t.true(page.includes('| commit abc; commit def, 2026-01-02 |'))
})

test('the page names the files that there are and that were not attempted', (t) => {
  const saved = { ...results('cpython', [file('test_a')]), known: ['test_a', 'test_b', 'test_c'] }
  t.true(conformancePage([saved]).includes('Not attempted on 3.11.2: `test_b`, `test_c`.'))
})

test('a later result takes the place of that of the same file, also of another version of a package', (t) => {
  const saved = results('packages', [file('attrs/tests', { group: 'attrs 25.3.0' })])
  addResult(saved, file('attrs/tests', { group: 'attrs 25.4.0', commit: 'def' }))
  addResult(saved, file('tests', { group: 'click 8.2.1' }))
  t.deepEqual(
    saved.files.map(({ group, commit }) => [group, commit]),
    [
      ['attrs 25.4.0', 'def'],
      ['click 8.2.1', 'abc'],
    ],
  )
})

test('a run that is resumed leaves out what has a result of this commit, and a group that has nothing left', (t) => {
  const group = (name: string, files: string[]): Group => ({
    ...{ name, files, ends: {}, training: async () => [] },
    test: () => ({ args: [], limitSeconds: 1 }),
  })
  const groups = [group('CPython 3.11.2', ['test_a', 'test_b', 'test_c']), group('attrs 25.3.0', ['tests'])]
  const saved = results('cpython', [
    ...[file('test_a'), file('test_b', { commit: 'old' }), file('test_c', { group: 'CPython 3.11.1' })],
    file('tests', { group: 'attrs 25.3.0' }),
  ])
  t.deepEqual(
    withoutResult(groups, saved, 'abc').map(({ files }) => files),
    [['test_b', 'test_c']],
  )
})
