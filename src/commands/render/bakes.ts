// SPDX-License-Identifier: Apache-2.0
import type { Style } from '../../log/index.js'
import type { BakesResult, ImageOutcome, Made } from '../../usecases/fleet/index.js'
import type { BakeResult } from '../../usecases/result.js'
import { formatBytes, formatCount, formatMs } from '../../util/units.js'
import { withoutName } from '../../util/without-name.js'
import { speedupCell } from './speedup.js'
import { type Align, renderTable } from './table.js'

const COLUMNS: readonly Align[] = ['left', 'left', 'right', 'right', 'right', 'left']
const HEADINGS = ['image', 'state', 'speed-up', 'layer', 'took', '']

/** The end of a run over several images: a row for each. */
export function renderBakes({ counts, shard, images }: BakesResult, style: Style): string {
  const part = shard ? ` (part ${shard.index + 1} of ${shard.count})` : ''
  const isDry = images.some(({ result }) => bakesIn(result).some(isTrial))
  const told = [
    `${counts.baked} ${isDry ? 'trained, nothing written' : 'baked'}`,
    `${counts.unchanged} unchanged`,
    `${counts.failed} failed`,
  ]
  const heading = `${formatCount(images.length, 'image')}${part}: ${told.join(', ')}`
  const table = renderTable(COLUMNS, [HEADINGS, ...images.map(toRow)]).map((line) => `  ${line}`)
  return [style.strong(heading), '', ...(images.length > 0 ? table : ['  nothing to do'])].join('\n')
}

function toRow({ name, state, seconds, result, error }: ImageOutcome): string[] {
  const bakes = bakesIn(result)
  const starts = bakes.flatMap(({ start }) => (start === null ? [] : [start]))
  const gain = starts.length === 0 ? '-' : starts.map(speedupCell).join(' ')
  const layer = bakes.map(({ layer: { compressedBytes } }) => formatBytes(compressedBytes)).join(' ') || '-'
  const told = bakes.some(isTrial) ? 'dry run' : state
  return [
    name,
    told,
    gain,
    layer,
    formatMs(seconds * 1000),
    error ? `${error.code}: ${withoutName(name, error.message)}` : '',
  ]
}

/** A dry run writes nothing. */
const isTrial = ({ output }: BakeResult) => output === null

/** The bakes that a result tells of, one for each platform. */
export function bakesIn(result: Made | null): readonly BakeResult[] {
  if (result === null || result.schema === 'io.pycds.unchanged/1') return []
  return result.schema === 'io.pycds.bake/1' ? [result] : result.platforms.map(({ result: one }) => one)
}
