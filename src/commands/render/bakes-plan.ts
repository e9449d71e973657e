// SPDX-License-Identifier: Apache-2.0
import type { Style } from '../../log/index.js'
import type { BakesPlan } from '../../usecases/fleet/index.js'
import { formatCount } from '../../util/units.js'
import { renderTable } from './table.js'

/** A plan of several images for people. */
export function renderBakesPlan({ shard, images }: BakesPlan, style: Style): string {
  const part = shard ? ` (part ${shard.index + 1} of ${shard.count})` : ''
  const rows = images.map(({ name, output, error }) => [
    name,
    error ? `${error.code}: ${error.message}` : (output ?? 'named when it is looked at'),
  ])
  const table = renderTable(['left', 'left'], [['image', 'becomes'], ...rows]).map((line) => `  ${line}`)
  const heading = `Plan for ${formatCount(images.length, 'image')}${part}: nothing was started`
  return [style.strong(heading), '', ...(images.length > 0 ? table : ['  nothing to do'])].join('\n')
}
