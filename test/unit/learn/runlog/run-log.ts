// SPDX-License-Identifier: Apache-2.0
import test, { type ExecutionContext } from 'ava'
import { encodeVersion } from '../../../../src/learn/runlog/codec.js'
import { parseRunLog } from '../../../../src/learn/runlog/run-log.js'
import { SAMPLES, sampleRecord, sampleRunLog } from '../../../helpers/run-log.js'

const NAME = '7-abc.runlog'
const BEGIN = Buffer.concat([encodeVersion(), sampleRecord('process')])
const MODULE = sampleRecord('module')

const parse = (...records: Buffer[]) => parseRunLog(NAME, Buffer.concat(records))

test('a process, its site directories and its modules are read', (t) => {
  const { pid, parent, argv, noSite, isolated, noDebugRanges, variables, ...python } = SAMPLES.process
  const { names: _, ...regex } = SAMPLES.regex
  t.deepEqual(parseRunLog(NAME, sampleRunLog()), {
    pid,
    parent,
    argv,
    python,
    noSite,
    isolated,
    noDebugRanges,
    variables,
    prefix: '/usr',
    siteDirectories: ['/usr/local/lib', '/usr/lib'],
    earlier: ['encodings'],
    modules: [SAMPLES.module],
    regexes: [{ ...regex, names: [{ name: 'a', group: 1 }] }],
    sources: [{ ...SAMPLES.source, mode: 'eval' }],
    extensions: [{ name: 'zlib', path: '/usr/lib/zlib.so' }],
    libraries: [],
    leftOut: [{ name: 'x', reason: 'why' }],
    held: [SAMPLES.holds],
  })
})

test('a process that does not know how it was started is known by its executable', (t) => {
  const process = sampleRecord('process', { ...SAMPLES.process, launcher: '' })
  t.is(parse(encodeVersion(), process)?.python.launcher, SAMPLES.process.executable)
})

test('the libraries of all extension modules are kept in order', (t) => {
  const extension = (...libraries: string[]) => sampleRecord('extension', { ...SAMPLES.extension, libraries })
  t.deepEqual(parse(BEGIN, extension('/a', '/b'), extension('/c'))?.libraries, ['/a', '/b', '/c'])
})

test('a run log cut anywhere keeps every whole record', (t) => {
  const whole = Buffer.concat([BEGIN, MODULE, MODULE])
  for (let length = 0; length <= whole.length; length++) {
    const traced = parse(whole.subarray(0, length))
    if (length < BEGIN.length) t.is(traced, undefined)
    else t.is(traced?.modules.length, Math.floor((length - BEGIN.length) / MODULE.length))
  }
})

function endsWith(t: ExecutionContext, damaged: string) {
  t.is(parse(BEGIN, MODULE, Buffer.from(damaged), MODULE)?.modules.length, 1)
}

test('an unknown record', endsWith, 'what 1\nx')
test(
  'a number of more digits than any reader takes',
  endsWith,
  'regex 1 20 0 1 1 0 0\n10000000000000000000011',
)
test('a record that is a word of the language', endsWith, 'constructor 1\nx')
test('a record with too few fields', endsWith, 'left_out 1 1\nab')
test('a record with too many fields', endsWith, 'earlier 1 1\nab')
test('a length that is none', endsWith, 'earlier 1e0\na')
test('a negative length', endsWith, 'earlier -1\n')
test('a flag that is none', endsWith, 'regex 1 1 0 1 1 0 0\n2111')
test('a number that is none', endsWith, 'regex 1 1 0 1 1 0 0\n1x11')

test('garbage is no run log', (t) => {
  t.is(parse(Buffer.alloc(0)), undefined)
  t.is(parse(Buffer.from('process -1 x\nabc')), undefined)
  t.is(parse(Buffer.alloc(1000, 0xff)), undefined)
})

function refuses(t: ExecutionContext, records: readonly Buffer[], found: RegExp) {
  const error = t.throws(() => parse(...records), { code: 'TRAINING_FAILED' }) as Error & { hint: string }
  t.regex(error.message, found)
  t.true(error.message.includes(NAME))
  t.regex(error.hint, /reinstall pycds-image/)
}

test('another version', refuses, [Buffer.from('version 2\n10'), MODULE], /is of version "10"/)
test('no version', refuses, [sampleRecord('process')], /names no version/)
