// SPDX-License-Identifier: Apache-2.0
import test from 'ava'
import { readRun } from '../../../conformance/outcomes.js'

const ENDED = { code: 0, signal: undefined, lateSeconds: undefined, seconds: 1, output: '' }
const ENDS = { 0: 'completed', 2: 'completed', 3: 'environment changed' }
const line = (name: string, outcome: string) => `${JSON.stringify({ case: name, outcome, detail: 'text' })}\n`

test('the worst of several outcomes of a case counts, in any order', (t) => {
  const record =
    line('a', 'passed') + line('a', 'error') + line('b', 'failed') + line('b', 'passed') + line('c', 'passed')
  const { cases } = readRun(ENDED, record, '', ENDS)
  t.deepEqual(
    [...cases].map(([name, { outcome }]) => [name, outcome]),
    [
      ['a', 'error'],
      ['b', 'failed'],
      ['c', 'passed'],
    ],
  )
})

test('a record that was cut off keeps what is whole', (t) => {
  const { cases, counters } = readRun(ENDED, `${line('a', 'passed')}{"case": "b", "outc`, '', ENDS)
  t.deepEqual([...cases.keys()], ['a'])
  t.is(counters, undefined)
})

test('counters and starts are read beside the cases', (t) => {
  const record = '{"process": 7, "archive": {"status": "ACCEPTED", "served": 12}}\n'
  const { counters, starts } = readRun(
    ENDED,
    record,
    '7 1 THAWED 0 THAWED\n8 7 OPTIMIZE 0 CONFIGURATION\nnonsense\n9 7 ACC',
    ENDS,
  )
  t.like(counters, { status: 'ACCEPTED', served: 12 })
  t.deepEqual(starts, [
    { process: 7, parent: 1, status: 'THAWED', served: 0, snapshot: 'THAWED' },
    { process: 8, parent: 7, status: 'OPTIMIZE', served: 0, snapshot: 'CONFIGURATION' },
  ])
})

const REPORTED = '{"process": 7, "archive": {"status": "ABSENT"}}\n'

test('the end of a process has a word', (t) => {
  const end = (code: number | null, signal?: string) =>
    readRun({ ...ENDED, code, signal }, REPORTED, '', ENDS).end
  t.is(end(2), 'completed')
  t.is(end(3), 'environment changed')
  t.is(end(9), 'exit 9')
  t.is(end(139, 'SIGSEGV'), 'SIGSEGV')
  t.is(end(null), 'killed')
  t.is(readRun({ ...ENDED, code: null, lateSeconds: 60 }, '', '', ENDS).end, 'not ended in 60 s')
})

test('a process that a test has ended is not complete, whatever its exit code', (t) => {
  const end = (code: number) => readRun({ ...ENDED, code }, line('a', 'passed'), '', ENDS).end
  t.is(end(0), 'exit 0 before its report')
  t.is(end(3), 'exit 3 before its report')
  t.is(end(9), 'exit 9')
})
