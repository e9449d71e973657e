// SPDX-License-Identifier: Apache-2.0
import test from 'ava'
import type { ApplicationRow, WayTimes } from '../../../../bench/parts/applications.js'
import { applicationsSection, factorOf } from '../../../../bench/report/applications.js'
import type { Results } from '../../../../bench/results.js'
import { summarise } from '../../../../src/util/statistics.js'

function times(ready: number, cpu: number): WayTimes {
  const [one, other] = [summarise([ready]), summarise([cpu])]
  if (!one || !other) throw new Error('one value has a summary')
  return { ready: one, cpu: other }
}

const LAYER = { compressedBytes: 8e6, snapshotBytes: 5e6, withoutSnapshot: null, notAtOnce: null }
const SHOP: ApplicationRow = {
  ...{ application: 'shop', reason: null, until: 'answer', load: 1, layer: LAYER },
  times: {
    ...{ bare: times(300, 30), plain: times(800, 400), archive: times(600, 200) },
    ...{ snapshot: times(500, 100), atOnce: times(450, 50) },
  },
}
const JOB: ApplicationRow = {
  ...{ application: 'job', reason: null, until: 'end', load: 1 },
  layer: { ...LAYER, snapshotBytes: 0, withoutSnapshot: 'PTH: a .pth file runs code' },
  times: { bare: times(310, 31), plain: times(800, 400), archive: times(400, 100) },
}
const ABSENT: ApplicationRow = {
  ...{ application: 'queue', reason: 'PyPI cannot be reached', until: 'end', load: 1 },
  ...{ layer: null, times: {} },
}

const sectionOf = (rows: ApplicationRow[]) =>
  applicationsSection({
    ...{ schema: 'io.pycds.benchmark/1', commit: 'abc', started: '2026-01-02T03:04:05Z', finished: null },
    machine: {
      ...{ processor: 'A processor', cores: 2, memoryBytes: 2 ** 34, kernel: '6.1' },
      ...{ virtual: true, engine: '20.10', node: 'v20' },
    },
    ...{ skipped: [], entries: [], parts: { applications: rows } },
  } satisfies Results).join('\n\n')

test('a factor compares the medians with the plain image', (t) => {
  t.is(factorOf(SHOP, 'atOnce', 'cpu'), 8)
  t.is(factorOf(SHOP, 'archive', 'ready'), 800 / 600)
  t.is(factorOf(JOB, 'snapshot', 'cpu'), undefined)
})

test('an application has its times in each way, what it gains, and what is added to its image', (t) => {
  const section = sectionOf([SHOP, JOB, ABSENT])
  t.regex(section, /\| shop \| 400 \(400 to 400\) \|.*\| 50\.0 \(.*\| 2\.00x \| 4\.00x \| 8\.00x \|/)
  t.regex(section, /\| job ¹ \| 400 \(.*\| – \| – \| 4\.00x \| – \| – \|/)
  t.regex(
    section,
    /geometric mean\*\* \|.*\| \*\*2\.83x\*\* of 2 \| \*\*4\.00x\*\* of 1 \| \*\*8\.00x\*\* of 1 \|/,
  )
  t.regex(section, /runs nothing takes 30\.0 to 31\.0:/)
  t.regex(section, /\| shop \| 3\.00 MB \| 5\.00 MB \|/)
  t.regex(section, /\| job \| 8\.00 MB \| – \|/)
})

test('an application that lacks a way is named with the reason', (t) => {
  const section = sectionOf([SHOP, JOB, ABSENT])
  t.regex(section, /- job has no snapshot: PTH: a \.pth file runs code\./)
  t.regex(section, /- queue was not measured: PyPI cannot be reached\./)
  t.is(sectionOf([ABSENT]), '')
})
