// SPDX-License-Identifier: Apache-2.0
import test from 'ava'
import { parseTrace } from '../../../../src/learn/runlog/run-log.js'

const record = (kind: string, ...fields: (string | Buffer)[]): Buffer => {
  const bytes = fields.map((field) => Buffer.from(field))
  return Buffer.concat([
    Buffer.from(`${[kind, ...bytes.map((field) => field.length)].join(' ')}\n`),
    ...bytes,
  ])
}

const PROCESS = record(
  'P',
  ...[
    '7',
    '1',
    'python3',
    '/usr/bin/python3.11',
    'python3\0-m\0app',
    '51053296',
    '3.11.2',
    'cpython',
    'cpython-311',
  ],
  ...['/usr/bin/python3.11', 'abcd', Buffer.from([1, 2, 13, 10]), '0', '0', '2', '0', '1', '0', '0'],
)
const MODULE = record(
  'M',
  'app',
  '/app/app.py',
  '',
  '/app',
  '1',
  '1700000000',
  '12',
  Buffer.alloc(8),
  'code\n',
  'seeds',
)

test('a process, its site directories and its modules are read', (t) => {
  const site = record('S', '/usr', '/usr/local/lib\0/usr/lib', '')
  const traced = parseTrace(
    Buffer.concat([PROCESS, record('B', 'encodings'), site, MODULE, record('L', 'x', '', 'why')]),
  )
  t.like(traced, {
    pid: 7,
    argv: ['python3', '-m', 'app'],
    isolated: true,
    siteDirectories: ['/usr/local/lib', '/usr/lib'],
    earlier: ['encodings'],
    leftOut: [{ name: 'x', reason: 'why' }],
  })
  t.like(traced?.python, {
    version: '3.11.2',
    optimize: 2,
    identity: 'abcd',
    magic: Buffer.from([1, 2, 13, 10]),
  })
  t.like(traced?.modules[0], {
    name: 'app',
    isPackage: true,
    mtime: 1700000000,
    size: 12,
    marshal: Buffer.from('code\n'),
  })
})

test('a trace cut anywhere keeps every whole record', (t) => {
  const whole = Buffer.concat([PROCESS, MODULE, MODULE])
  for (let length = 0; length <= whole.length; length++) {
    const traced = parseTrace(whole.subarray(0, length))
    if (length < PROCESS.length) t.is(traced, undefined)
    else t.is(traced?.modules.length, Math.floor((length - PROCESS.length) / MODULE.length))
  }
})

test('garbage is no trace', (t) => {
  t.is(parseTrace(Buffer.alloc(0)), undefined)
  t.is(parseTrace(Buffer.from('P -1 x\nabc')), undefined)
  t.is(parseTrace(Buffer.alloc(1000, 0xff)), undefined)
})
