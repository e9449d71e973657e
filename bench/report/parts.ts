// SPDX-License-Identifier: Apache-2.0
// The sections beside the times of packages.
import type { FixedCost } from '../parts/fixed.js'
import type { Growth } from '../parts/growth.js'
import type { Memory } from '../parts/memory.js'
import type { Profile } from '../parts/profile.js'
import type { Results } from '../results.js'
import { part } from './goals.js'
import { factorText, megabytes, msText, table } from './markdown.js'

/** Further ones have less than a hundredth each. */
const TOP_LINES = 12

export function fixedSection(results: Results): string[] {
  const rows = part<FixedCost>(results, 'fixed').map((row) => [
    row.python,
    `${row.modules} modules, ${megabytes(row.archiveBytes)}`,
    ...[row.plain, row.off, row.pycds].map((cost) => `${cost.wallMs.toFixed(2)} (${cost.cpuMs.toFixed(2)})`),
  ])
  if (rows.length === 0) return []
  return [
    '## Fixed cost',
    '`python -c pass` in the image baked for boto3: ms from start to end, in brackets of the processor.',
    table(
      ['left', 'left', 'right', 'right', 'right'],
      [['CPython', 'archive', 'plain', 'PYCDS=off', 'baked'], ...rows],
    ),
  ]
}

export function growthSection(results: Results): string[] {
  const rows = part<Growth>(results, 'growth').map((row) => [
    row.imported.toLocaleString('en'),
    row.archived.toLocaleString('en'),
    megabytes(row.archiveBytes),
    msText(row.plainMs),
    msText(row.pycdsMs),
    ((1000 * row.plainCpuMs) / row.imported).toFixed(1),
    ((1000 * row.pycdsCpuMs) / row.imported).toFixed(1),
    factorText(row.plainCpuMs / row.pycdsCpuMs),
  ])
  if (rows.length === 0) return []
  return [
    '## Growth',
    'Synthetic modules of usual content; microseconds are processor time per module. The last row imports a part of its ' +
      'archive: the rest of it is never read.',
    table(
      ['right', 'right', 'right', 'right', 'right', 'right', 'right', 'right'],
      [
        ['imported', 'archived', 'archive', 'plain, ms', 'baked, ms', 'plain, µs', 'baked, µs', 'factor'],
        ...rows,
      ],
    ),
  ]
}

export function sizeSection(results: Results): string[] {
  const rows = results.entries.flatMap(({ python, package: name, sizes }) =>
    sizes
      ? [
          [
            python,
            name,
            String(sizes.modules),
            megabytes(sizes.archiveBytes),
            megabytes(sizes.pycBytes),
            factorText(sizes.archiveBytes / sizes.pycBytes),
            megabytes(sizes.layerCompressedBytes),
            megabytes(sizes.pycCompressedBytes),
          ],
        ]
      : [],
  )
  if (rows.length === 0) return []
  const head = [
    'CPython',
    'package',
    'modules',
    'archive',
    'their `.pyc`',
    'ratio',
    'layer, gzip',
    '`.pyc`, gzip',
  ]
  return [
    '## Sizes',
    'The archive beside the bytecode files of the modules in it; the layer also holds the runtime, the hook and a manifest.',
    table(['left', 'left', 'right', 'right', 'right', 'right', 'right', 'right'], [head, ...rows]),
  ]
}

export function memorySection(results: Results): string[] {
  const rows = part<Memory>(results, 'memory').map((row) => [
    row.python,
    row.package,
    megabytes(row.plainPssBytes),
    megabytes(row.pycdsPssBytes),
    factorText(row.pycdsPssBytes / row.plainPssBytes),
  ])
  if (rows.length === 0) return []
  return [
    '## Memory',
    'Sum of the proportional set sizes (PSS) of ten containers that have imported the package and wait.',
    table(
      ['left', 'left', 'right', 'right', 'right'],
      [['CPython', 'package', 'original', 'baked', 'ratio'], ...rows],
    ),
  ]
}

export function profileSection(results: Results): string[] {
  const profiles = part<Profile>(results, 'profile')
  if (profiles.length === 0) return []
  const rows = profiles.map((row) => [
    row.python,
    row.package,
    String(row.samples),
    `${row.ownPercent.toFixed(1)} %`,
    row.ownOfPhasePercent === null ? '–' : `${row.ownOfPhasePercent.toFixed(1)} %`,
    `${row.ownWithCallsPercent.toFixed(1)} %`,
  ])
  const [first] = profiles
  return [
    "## The runtime's own code",
    '`perf record -e cpu-clock` over 20 starts: samples in the runtime itself, its system calls and page faults included; of ' +
      'the whole process, of the import phase, and together with what it calls of the interpreter short of running code.',
    table(
      ['left', 'left', 'right', 'right', 'right', 'right'],
      [['CPython', 'package', 'samples', 'of the process', 'of the import phase', 'with its calls'], ...rows],
    ),
    ...(first
      ? [
          `Top lines, ${first.package} on ${first.python}:`,
          table(
            ['right', 'left', 'left'],
            [
              ['', 'file', 'function'],
              ...first.top
                .slice(0, TOP_LINES)
                .map((line) => [`${line.percent.toFixed(1)} %`, line.file, `\`${line.symbol}\``]),
            ],
          ),
        ]
      : []),
  ]
}
