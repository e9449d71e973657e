// SPDX-License-Identifier: Apache-2.0
import { contentFacts } from '../../artifact/facts.js'
import type { Style } from '../../log/index.js'
import type { InspectResult } from '../../usecases/inspect.js'
import { compare } from '../../util/order.js'
import { formatBytes, formatCount } from '../../util/units.js'
import { renderLeftOut } from './left-out.js'
import { renderFacts, renderTable } from './table.js'

/** What an archive holds, for people: a table per package, then what was left out and why. */
export function renderInspect(result: InspectResult, style: Style): string {
  const { packages, leftOut } = result
  const lines = [
    style.strong(`${result.subject.kind} ${result.subject.name}`),
    '',
    ...renderFacts(contentFacts(result)),
    '',
    ...renderPackages(packages, style),
  ]
  if (leftOut.length > 0) {
    lines.push(
      '',
      style.strong(`left out: ${formatCount(leftOut.length, 'module')}`),
      ...renderLeftOut(leftOut),
    )
  }
  return lines.join('\n')
}

function renderPackages(packages: InspectResult['packages'], style: Style): string[] {
  const rows = [...packages]
    .sort((a, b) => b.bytes - a.bytes || compare(a.name, b.name))
    .map(({ name, modules, bytes }) => [name, String(modules), formatBytes(bytes)])
  const [head = '', ...body] = renderTable(
    ['left', 'right', 'right'],
    [['package', 'modules', 'size'], ...rows],
  )
  return [`  ${style.faint(head)}`, ...body.map((line) => `  ${line}`)]
}
