// SPDX-License-Identifier: Apache-2.0
// One record of each kind that a run log has.
import { encodeRecord, encodeVersion, type FieldsOf } from '../../src/learn/runlog/codec.js'
import { RUN_LOG } from '../../src/learn/runlog/records.js'

type RunLogKind = keyof typeof RUN_LOG

export const SAMPLES: { [K in RunLogKind]: FieldsOf<(typeof RUN_LOG)[K]> } = {
  process: {
    pid: 7,
    parent: 1,
    launcher: 'python3',
    executable: '/usr/bin/python3.11',
    argv: ['python3', '-m', 'app'],
    hexversion: 51053296,
    version: '3.11.2',
    implementation: 'cpython',
    cacheTag: 'cpython-311',
    library: '/usr/lib/libpython3.11.so',
    identity: 'abcd',
    magic: Buffer.from([1, 2, 13, 10]),
    debug: false,
    freeThreaded: true,
    optimize: 2,
    noSite: false,
    isolated: true,
    noDebugRanges: false,
    variables: ['TZ=UTC', 'PYTHONPATH=/a=b'],
  },
  started: { prefix: '/usr', siteDirectories: ['/usr/local/lib', '/usr/lib'] },
  earlier: { modules: ['encodings'] },
  module: {
    name: 'äpp',
    origin: '/app/äpp.py',
    cached: '',
    entry: '/app',
    isPackage: true,
    mtime: -1,
    size: 12,
    sourceHash: Buffer.alloc(8, 0xff),
    marshal: Buffer.from('code\n'),
    seeds: Buffer.from('seeds'),
  },
  left_out: { name: 'x', origin: '', reason: 'why' },
  extension: { name: 'zlib', path: '/usr/lib/zlib.so', libraries: [] },
  bytecode: { identity: '' },
  holds: { name: 'äpp', kinds: ['VALUE int', 'made function äpp.made', 'own'] },
  fresh: { bytecode: Buffer.from('code'), instructions: Buffer.from('more') },
  whole: { hash: '' },
  regex: {
    isBytes: false,
    asked: 2,
    pattern: Buffer.from('(?P<a>.)'),
    flags: 34,
    groups: 1,
    words: Buffer.from('\x01\0\0\0'),
    names: ['1', 'a'],
  },
  source: {
    mode: 'eval',
    flags: 16777216,
    optimize: 0,
    filename: Buffer.from('<string>'),
    text: Buffer.from('1'),
    marshal: Buffer.from([0xff, 0]),
  },
}

export function sampleRecord<K extends RunLogKind>(
  kind: K,
  fields: (typeof SAMPLES)[K] = SAMPLES[kind],
): Buffer {
  return encodeRecord(RUN_LOG, kind, fields)
}

/** A whole run log. */
export function sampleRunLog(): Buffer {
  const kinds = Object.keys(SAMPLES) as RunLogKind[]
  return Buffer.concat([encodeVersion(), ...kinds.map((kind) => sampleRecord(kind))])
}
