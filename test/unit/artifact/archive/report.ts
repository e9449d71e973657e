// SPDX-License-Identifier: Apache-2.0
import test from 'ava'
import { ArchiveReport } from '../../../../src/artifact/archive/report.js'

test('the name of a module is whole wherever the output is cut', (t) => {
  const bytes = Buffer.from('pycds[7]: served app\nhello\npycds[7]: missed café.menü changed\n')
  for (let cut = 0; cut <= bytes.length; cut += 1) {
    const log = new ArchiveReport()
    log.add(bytes.subarray(0, cut))
    log.add(bytes.subarray(cut))
    t.deepEqual(log.missed, [{ name: 'café.menü', reason: 'changed' }], `cut at ${cut}`)
    t.is(log.lines, 2)
    t.is(log.counts.hitRate, 50)
  }
})

test('an archive that was refused counts nothing', (t) => {
  const log = new ArchiveReport()
  log.add(Buffer.from('pycds[7]: rejected magic\n'))
  t.is(log.rejected, 'magic')
  t.is(log.counts.hitRate, 0)
})
