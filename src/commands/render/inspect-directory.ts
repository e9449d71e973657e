// SPDX-License-Identifier: Apache-2.0
import type { Style } from '../../log/index.js'
import type { InspectDirectoryResult, LearnedKind } from '../../usecases/learned-directory.js'
import { printable } from '../../util/printable.js'
import { formatBytes } from '../../util/units.js'
import { renderFacts } from './table.js'

/** What was learned in a directory, by whom and when: a block for each kind of start. */
export function renderInspectDirectory({ directory, kinds }: InspectDirectoryResult, style: Style): string {
  return [
    style.strong(`directory ${directory}`),
    ...kinds.flatMap((kind) => [
      '',
      style.strong(printable(kind.command.join(' ')) || kind.key),
      ...renderKind(kind),
    ]),
  ].join('\n')
}

function renderKind({ archive, modules, regexes, sources, owner, learned, python }: LearnedKind): string[] {
  return renderFacts([
    ['learned', `${learned} by user ${owner}`],
    ['modules', String(modules)],
    ['compiled', `${regexes} regular expressions, ${sources} source strings`],
    [
      'python',
      `${python.version}  ${printable(python.executable)}${python.optimize > 0 ? ` -O${python.optimize}` : ''}`,
    ],
    ['archive', archive ? `${archive.path}  ${formatBytes(archive.bytes)}` : 'gone: it is learned anew'],
  ])
}
