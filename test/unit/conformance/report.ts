// SPDX-License-Identifier: Apache-2.0
import test from 'ava'
import type { Difference } from '../../../conformance/compare-file.js'
import { conformancePage } from '../../../conformance/report.js'
import type { Results, SavedFile } from '../../../conformance/results.js'
import { addResult } from '../../../conformance/results.js'

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
      [file('attrs/tests', { group: 'attrs 25.3.0' })],
      [{ name: 'dill', reason: 'pip: no' }],
    ),
  ])
  t.true(page.includes('| 3.11.2, static | 20 | 14 | 4 | 0 | 1 | 0 | 0 | 8 |'))
  t.true(page.includes('| attrs 25.3.0 on 3.11.2 | 10 | 7 | 2 | 0 | 1 | 0 | 0 | 4 |'))
  t.true(page.includes('- `test_a` on 3.11.2: `test.a`: passed; with the archive failed'))
  t.true(page.includes('`test_b`: SIGSEGV'))
  t.true(page.includes('- dill: pip: no'))
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
