// SPDX-License-Identifier: Apache-2.0
import { shortId } from '../../image/index.js'
import type { Style } from '../../log/index.js'
import type { BakePlatformsResult } from '../../usecases/result.js'
import { formatBytes, formatMs } from '../../util/units.js'
import { speedupCell } from './speedup.js'
import { type Align, renderTable } from './table.js'

const COLUMNS: readonly Align[] = [
  'left',
  'left',
  'left',
  'right',
  'right',
  'right',
  'right',
  'right',
  'left',
]
const HEADINGS = [
  'platform',
  'trained on',
  'python',
  'modules',
  'layer',
  'before',
  'after',
  'speed-up',
  'image',
]

/** The final block of a bake of several platforms: a table with a row for each; of a dry run, the plan. */
export function renderBakePlatforms(result: BakePlatformsResult, style: Style): string {
  const { source, output, platforms } = result
  const heading =
    output === null
      ? `Plan for ${source.reference}: nothing was written`
      : `${style.good('Baked')} ${source.reference} for ${platforms.length} platforms`
  const rows = platforms.map(toRow)
  const table = renderTable(COLUMNS, [HEADINGS, ...rows]).map((line) => `  ${line}`)
  const ending = output === null ? [] : ['', `  image  ${output.reference}  ${output.digest}`]
  return [style.strong(heading), '', ...table, ...ending].join('\n')
}

function toRow({ platform, trainedOn, result }: BakePlatformsResult['platforms'][number]): string[] {
  const { python, archive, layer, start, output } = result
  const times = start
    ? [formatMs(start.before.medianMs), formatMs(start.after.medianMs), speedupCell(start)]
    : ['-', '-', '-']
  return [
    ...[platform, trainedOn, python.version, String(archive.modules), formatBytes(layer.bytes)],
    ...[...times, output === null ? '-' : shortId(output.id)],
  ]
}
