// SPDX-License-Identifier: Apache-2.0
// What people read of a difference: why, on one line, whatever tests have said; and of all files, what counts.
import test from 'ava'
import type { FileResult } from '../../../conformance/compare-file.js'
import { conclude, describeFile, reasonOf } from '../../../conformance/lines.js'

const RESULT: FileResult = {
  ...{ file: 'test_a', attempted: 10, passed: 7, skipped: 2, failed: 1, end: 'completed' },
  ...{ differing: [], byDesign: [], flaky: [], faults: [], seconds: { plain: 1, archive: 1 } },
  proof: { served: 100, children: 0, expected: 0, refused: {} },
}
const differing = (name: string, detail: string) => ({
  ...{ case: name, plain: ['passed'], archive: ['failed'], detail },
})

const TRACEBACK = `Traceback (most recent call last):
  File "/lib/test/test_a.py", line 12, in test_a
    self.assertEqual(a,
    ~~~~~~~~~~~~~~~~^^^
  File "/lib/unittest/case.py", line 8, in assertEqual
    raise self.failureException(msg)
`

test('the reason of a difference is the exception, not the end of what it shows', (t) => {
  const diff = `${TRACEBACK}AssertionError: Lists differ: ['a'] != ['b']\n\n- ['a']\n+ ['b']\nDiff is 706 characters long. Set self.maxDiff to None to see it.\n`
  t.is(reasonOf(diff), "AssertionError: Lists differ: ['a'] != ['b']")
  t.is(
    reasonOf(`${TRACEBACK}KeyError: 1\n\nDuring handling:\n\n${TRACEBACK}ValueError: x\n`),
    'ValueError: x',
  )
  const pytest = `
def test_a():
>       assert 1 == 2
E       assert 1 == 2
E         + where

tests/test_a.py:3: AssertionError`
  t.is(reasonOf(pytest), 'assert 1 == 2')
  const crash = `0:00:00 [1/1] test_a
Fatal Python error: Segmentation fault

Current thread 0x1 (most recent call first):
  File "/lib/test/test_a.py", line 1 in test_a

Extension modules: _testcapi (total: 1)
`
  t.is(reasonOf(crash), 'Fatal Python error: Segmentation fault')
  t.is(reasonOf('not on Windows'), 'not on Windows')
  t.is(reasonOf(''), '')
  t.true(reasonOf(`${TRACEBACK}AssertionError: ${'x'.repeat(5000)}`).length < 400)
})

test('names and texts of tests keep to their line, and steer no terminal', (t) => {
  const one = differing('test_sub [a\nb] \u001b[31m', 'ValueError: \u0007\u2028é')
  const text = describeFile({ ...RESULT, differing: [one], faults: ['none: \u001b[2J'] })
  t.is(text.split('\n').length, 3)
  t.true(text.includes('  NO PROOF: none: \\x1b[2J\n'))
  t.true(
    text.endsWith('DIFFERS: test_sub [a\\x0ab] \\x1b[31m: passed; with it failed: ValueError: \\x07\\x2028é'),
  )
})

test('the sentence tells how many children had a part, of those that there were without it', (t) => {
  const parent = { ...RESULT, proof: { ...RESULT.proof, children: 3, expected: 4 } }
  t.regex(
    conclude([parent]).sentence,
    /in every process of tests and in 3 of their children \(4 without it\)\.$/,
  )
  t.regex(
    conclude([RESULT]).sentence,
    /in every process of tests, and they started none that could have it\.$/,
  )
})

test('results that a run has gone on from count as its own', (t) => {
  const bad = { ...RESULT, passed: 6, differing: [differing('a', '')] }
  t.true(conclude([RESULT], [RESULT]).ok)
  t.regex(
    conclude([RESULT], [RESULT]).sentence,
    /^20 test cases of 2 files \(1 of them from before\): 14 passed/,
  )
  t.false(conclude([RESULT], [bad]).ok)
  t.false(conclude([], [bad]).ok)
  t.true(conclude([], [RESULT]).ok)
})

test('the sentence accounts for all cases, those too that one side did not come to', (t) => {
  const crashed = { ...RESULT, passed: 3, differing: [differing('(file)', ''), differing('a', '')] }
  t.regex(conclude([crashed]).sentence, /2 differ, .*, 3 came to their end on one side alone;/)
  t.notRegex(conclude([RESULT]).sentence, /on one side/)
})
