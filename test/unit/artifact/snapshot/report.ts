// SPDX-License-Identifier: Apache-2.0
import test from 'ava'
import { readLine } from '../../../../src/artifact/kind/lines.js'
import { SnapshotReport } from '../../../../src/artifact/snapshot/report.js'

function reportOf(...lines: string[]): SnapshotReport {
  const report = new SnapshotReport()
  for (const line of lines.flatMap((text) => readLine(text) ?? [])) report.read(line)
  return report
}

test('what the runtime says of a thaw is counted', (t) => {
  const report = reportOf(
    'pycds[1]: snapshot thawed in 2.1 ms',
    'pycds[1]: ready flask: 230 modules',
    'pycds[1]: ready requests: 40 modules',
    'pycds[1]: not ready numpy: numpy: its source has changed',
    'pycds[1]: served shop',
    'pycds[9]: snapshot OTHER_PROGRAM',
    'listening',
  )
  t.is(report.modules, 270)
  t.is(report.milliseconds, 2.1)
  t.is(report.refusal, undefined)
})

test('a refusal is told with its sentence, but for programs that it is not for', (t) => {
  t.is(
    reportOf('pycds[7]: snapshot OTHER_PROGRAM', 'pycds[1]: snapshot CPU').refusal,
    'CPU: the processor lacks something that the snapshot was made with',
  )
  t.is(
    reportOf('pycds[1]: snapshot ENVIRONMENT: TZ').refusal,
    'ENVIRONMENT: a variable of the environment differs that Python or the C library obeys: TZ',
  )
  t.is(reportOf('pycds[7]: snapshot LITTLE_GAIN').refusal, undefined)
  t.is(reportOf().milliseconds, null)
})
