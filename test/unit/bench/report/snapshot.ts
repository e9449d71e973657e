// SPDX-License-Identifier: Apache-2.0
import test from 'ava'
import type { Kind, SnapshotRow, SnapshotTimes } from '../../../../bench/parts/snapshot.js'
import { snapshotSection } from '../../../../bench/report/snapshot.js'
import type { Results } from '../../../../bench/results.js'
import { type Summary, summarise } from '../../../../src/util/statistics.js'

test('programs that the bake has not seen are told by what they take more, of all packages', (t) => {
  const known = { bare: 10, plain: 110, archive: 60, snapshot: 15 }
  const text = section({
    snapshot: [
      row('3.11', 'flask', { ...known, unknown: 60.2 }),
      row('3.11', 'yaml', { ...known, unknown: 59.8 }),
      row('3.13', 'boto3', { ...known, unknown: 61 }),
      row('3.13', 'requests', known),
    ],
  })
  t.regex(text, /differs by 0\.2 ms, the median of 3 packages \(-0\.2 to 1\.0\)/)
})

test('images without bytecode have a mean for each interpreter, beyond their own bare start', (t) => {
  const text = section({
    snapshot: [row('3.13', 'yaml', { bare: 10, plain: 30, archive: 20, snapshot: 12 })],
    'snapshot-nopyc': [
      row('3.11', 'flask', { bare: 20, plain: 820, archive: 100, snapshot: 30 }),
      row('3.11', 'yaml', { bare: 20, plain: 120, archive: 30, snapshot: 25 }),
      row('3.13', 'yaml', { bare: 20, plain: 140, archive: 30, snapshot: 22 }),
    ],
  })
  t.regex(text, /40\.00x of 2 on 3\.11, 60\.00x of 1 on 3\.13/)
  t.regex(text, /\| flask \| 3\.11 \| 800 \| 80\.0 \| 10\.0 \| 80\.00x \|/)
  t.notRegex(section({ snapshot: [row('3.13', 'yaml', {})] }), /without bytecode/)
})

function section(parts: Results['parts']): string {
  const results = { commit: 'abc', started: '2026-01-02T03:04:05Z', machine: { cores: 2 }, parts }
  return snapshotSection(results as unknown as Results).join('\n\n')
}

/** Each kind took as long as said, whatever is asked for. */
function row(python: string, name: string, taken: Partial<Record<Kind, number>>): SnapshotRow {
  const warm: Partial<Record<Kind, SnapshotTimes>> = {}
  for (const [kind, ms] of Object.entries(taken) as [Kind, number][]) {
    const one = summarise([ms]) as Summary
    warm[kind] = { done: one, doneCpu: one, process: one, processCpu: one }
  }
  const snapshot = {
    reason: null,
    bytes: 1,
    compressedBytes: 1,
    modules: 1,
    launch: { by: 'hook' as const },
    leftOut: [],
  }
  return { python, package: name, snapshot, layerCompressedBytes: 1, warm, cold: {}, load: 0 }
}
