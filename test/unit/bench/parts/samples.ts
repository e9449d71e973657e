// SPDX-License-Identifier: Apache-2.0
import test from 'ava'
import { ownCode, parseSamples, topLines } from '../../../../bench/parts/samples.js'

const FAULT = `python3 12 cpu-clock:
	ffffffff81 exc_page_fault ([kernel.kallsyms])
	    7f01 make_stream (/usr/lib/python3/dist-packages/_pycds.abi3.so)
	    4a10 _PyEval_EvalFrameDefault (/usr/bin/python3.11)`
const COPY = `python3 12 cpu-clock:
	    7e01 __memcpy_avx (/usr/lib/x86_64-linux-gnu/libc.so.6)
	    7f01 archive_code (/usr/lib/python3/dist-packages/_pycds.abi3.so)`
const CALLED = `python3 12 cpu-clock:
	    4b00 PyUnicode_InternInPlace (/usr/bin/python3.11)
	    7f02 intern (/usr/lib/python3/dist-packages/_pycds.abi3.so)`
const MODULE = `python3 12 cpu-clock:
	    4a10 _PyEval_EvalFrameDefault (/usr/bin/python3.11)
	    7f03 exec_module (/usr/lib/python3/dist-packages/_pycds.abi3.so)`
const SHELL = `sh 11 cpu-clock:
	    7f03 exec_module (/usr/lib/python3/dist-packages/_pycds.abi3.so)`

test('samples are those of Python, with their stacks from the inside out', (t) => {
  const samples = parseSamples([FAULT, SHELL].join('\n\n'))
  t.is(samples.length, 1)
  t.deepEqual(samples[0]?.[1], { symbol: 'make_stream', file: '_pycds.abi3.so' })
})

test("page faults and copies count as the runtime's; what it calls and what it runs do not", (t) => {
  const own = ownCode(parseSamples([FAULT, COPY, CALLED, MODULE].join('\n\n')))
  t.is(own.itself, 50)
  t.is(own.withCalls, 75)
})

test('no samples are no share', (t) => {
  t.deepEqual(ownCode([]), { itself: 0, withCalls: 0 })
})

test('the top lines name where time is spent itself', (t) => {
  const [first] = topLines(parseSamples([FAULT, FAULT, MODULE].join('\n\n')), 1)
  t.like(first, { symbol: 'exc_page_fault', file: '[kernel.kallsyms]' })
  t.is(Math.round(first?.percent ?? 0), 67)
})
