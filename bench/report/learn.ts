// SPDX-License-Identifier: Apache-2.0
// What the part about learning has measured.
import type { Learn } from '../parts/learn.js'
import type { Results } from '../results.js'
import { part } from './goals.js'
import { factorText, msText, table } from './markdown.js'

export function learnSection(results: Results): string[] {
  const rows = part<Learn>(results, 'learn').map((row) => [
    row.python,
    row.package,
    ...[row.plain, row.baked, row.learned].map(({ median }) => msText(median)),
    percent(row.learned.median / row.baked.median),
    percent(row.recording.recording.median / row.recording.plain.median),
    `${(row.ready.median / 1000).toFixed(1)} s`,
    factorText(row.together.learning.median / row.together.plain.median),
  ])
  if (rows.length === 0) return []
  const head = ['CPython', 'package', 'plain, ms', 'baked, ms', 'learned, ms', 'learned to baked']
  return [
    '## Learning at the first start',
    `Images that are [prepared](learning.md) only, ${results.started.slice(0, 10)}, commit ${results.commit}: whole processes, processor time, medians ` +
      'of starts in turns. A start that records is compared with the original image; the archive is ready so long after the last import; ' +
      'the last column compares the processor time of 50 starts at the same moment on one empty directory with that of 50 of the original.',
    table(
      ['left', 'left', ...Array.from({ length: 7 }, () => 'right' as const)],
      [[...head, 'recording', 'ready after', '50 at once'], ...rows],
    ),
  ]
}

/** By how much a factor is more, or less, than one. */
function percent(factor: number): string {
  return `${factor < 1 ? '-' : '+'}${Math.abs((factor - 1) * 100).toFixed(1)} %`
}
