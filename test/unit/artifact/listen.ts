// SPDX-License-Identifier: Apache-2.0
import test from 'ava'
import { archiveCountColumns } from '../../../src/artifact/archive/facts.js'
import { StartReport } from '../../../src/artifact/listen.js'

test('the name of a module is whole wherever the output is cut', (t) => {
  const bytes = Buffer.from('pycds[7]: served app\nhello\npycds[7]: missed café.menü SOURCE_CHANGED\n')
  for (let cut = 0; cut <= bytes.length; cut += 1) {
    const log = new StartReport()
    log.add(bytes.subarray(0, cut))
    log.add(bytes.subarray(cut))
    t.deepEqual(log.missed, [{ name: 'café.menü', reason: 'SOURCE_CHANGED' }], `cut at ${cut}`)
    t.is(log.lines, 2)
    t.is(log.counts.hitRate, 50)
  }
})

test('a module that goes by its path is told whole, and the summary is no module', (t) => {
  const log = new StartReport()
  const lines = [
    'missed /srv/my app/tool.py NOT_ARCHIVED',
    'served /srv/my app/main.py',
    'served 1 of 2 path-based modules (50.0 %) from /opt/pycds/app.cds, 1.2 ms in the runtime',
    'served 3 of 4 compilations of source strings',
    'not served: /srv/my app/tool.py (NOT_ARCHIVED)',
  ]
  log.add(Buffer.from(lines.map((line) => `pycds[1]: ${line}\n`).join('')))
  t.deepEqual(log.missed, [{ name: '/srv/my app/tool.py', reason: 'NOT_ARCHIVED' }])
  t.deepEqual(log.counts, { served: 1, total: 2, hitRate: 50 })
})

test('an archive that was refused counts nothing', (t) => {
  const log = new StartReport()
  log.add(Buffer.from('pycds[7]: rejected FORMAT\n'))
  t.is(log.rejected, 'FORMAT')
  t.is(log.counts.hitRate, 0)
})

test('a hit rate that is too low is printed as in the table, and never as enough', (t) => {
  for (const [total, printed] of [
    [646, '99.8 %'],
    [10_001, '99.9 %'],
  ] as const) {
    const log = new StartReport()
    log.add(Buffer.from('pycds[1]: served app\n'.repeat(total - 1)))
    log.add(Buffer.from('pycds[1]: missed odd SHADOWED\n'))
    t.is(log.problem({ minHitRate: 100 }), `the hit rate ${printed} is below 100 %`)
    t.deepEqual(archiveCountColumns(log.counts)[1], printed)
  }
})

test('modules that were ready in a snapshot were served', (t) => {
  const log = new StartReport()
  const lines = [
    'snapshot thawed in 2.0 ms',
    'ready flask: 3 modules',
    'not ready seaborn: matplotlib: a variable differs that it read: MPLBACKEND',
    'served shop',
    'missed odd SHADOWED',
  ]
  log.add(Buffer.from(lines.map((line) => `pycds[1]: ${line}\n`).join('')))
  t.deepEqual(log.counts, { served: 4, total: 5, hitRate: 80 })
  t.deepEqual(log.thawed, {
    processes: 1,
    modules: 3,
    statements: 2,
    notReady: [
      { name: 'seaborn', because: 'matplotlib', reason: 'a variable differs that it read: MPLBACKEND' },
    ],
    milliseconds: 2,
    refusal: null,
    notAtOnce: null,
    atOnce: 0,
  })
  t.is(log.problem({}), null)
})

test('a snapshot that no process used is a problem, unless it is for other programs', (t) => {
  const log = new StartReport()
  log.add(Buffer.from('pycds[1]: snapshot OTHER_PROGRAM\npycds[1]: served shop\n'))
  t.is(log.problem({}), null)
  log.add(Buffer.from('pycds[2]: snapshot CPU\n'))
  t.regex(
    log.problem({}) ?? '',
    /^the snapshot was refused: CPU: the processor lacks something that the snapshot was made with\. \w/,
  )
})

test('without a snapshot nothing is said of one', (t) => {
  const log = new StartReport()
  log.add(Buffer.from('pycds[1]: served shop\n'))
  t.is(log.thawed, null)
})
