// SPDX-License-Identifier: Apache-2.0
import test from 'ava'
import { snapshotFacts } from '../../../../src/artifact/snapshot/facts.js'
import type { SnapshotSummary } from '../../../../src/artifact/snapshot/make.js'

const SHIPPED: SnapshotSummary = {
  path: '/opt/pycds/app.snap',
  reason: null,
  bytes: 41_000_000,
  compressedBytes: 4_400_000,
  modules: 304,
  programs: [{ kind: 'module', text: 'shop' }],
  cpu: 'v3',
  thaws: { starts: 20, milliseconds: 2.14, user: '12345', processor: { snapshot: 31.4, archive: 180 } },
  launch: { by: 'hook', reason: null },
  leftOut: [
    fault('queue2', 'queue2', 3),
    fault('lib', 'lib.deep', 30),
    fault('lib.deep', 'lib.deep', 20),
    fault('app', 'lib.deep', 45),
    fault('requests.packages.urllib3.util', 'lib.deep', 1),
  ],
}

function fault(name: string, because: string, milliseconds: number) {
  const reason = 'its import started a thread'
  return { name, code: 'THREAD', reason, detail: name === 'queue2' ? 'Thread-1' : '', because, milliseconds }
}

const BAKE = { after: 'bake', image: 'app:1-cds' } as const

test('a snapshot is told with its price, and with what is worth mending, dearest first', (t) => {
  t.deepEqual(snapshotFacts.made(SHIPPED, BAKE), [
    ['snapshot', '304 modules ready, 4.4 MB compressed in the layer, thawed in 2.1 ms, 20 of 20 times'],
    ['gain', 'imports in 31 ms of the processor, from the archive alone in 180 ms'],
    ['left out', '45 ms  lib.deep (THREAD), and with it lib, app: its import started a thread'],
    ['left out', '3.0 ms  queue2 (THREAD): its import started a thread (Thread-1)'],
    ['mending', 'docs/errors.md#why-a-module-is-not-in-a-snapshot has each code, and what would mend it'],
  ])
  t.deepEqual(snapshotFacts.place(SHIPPED), [['snapshot', '/opt/pycds/app.snap']])
})

test('without one the reason is told', (t) => {
  const none = { ...SHIPPED, path: null, reason: 'it is too large', leftOut: [] }
  t.deepEqual(snapshotFacts.made(none, BAKE), [['snapshot', 'none, the archive is alone: it is too large']])
  t.deepEqual(snapshotFacts.place(none), [])
})
