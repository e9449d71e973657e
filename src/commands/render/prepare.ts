// SPDX-License-Identifier: Apache-2.0
import { shortId } from '../../image/index.js'
import type { Style } from '../../log/index.js'
import type { PrepareResult, PrepareRootResult } from '../../usecases/prepare.js'
import { formatBytes } from '../../util/units.js'
import { renderFacts } from './table.js'

/** The final block of a preparation. */
export function renderPrepare(result: PrepareResult | PrepareRootResult, style: Style): string {
  const { python, directory } = result
  const isImage = 'layer' in result
  const name = isImage ? result.source.reference : result.root
  return [
    style.strong(`${style.good('Prepared')} ${name}: it learns at its first start`),
    '',
    ...renderFacts([
      ['learns in', `${directory}, or where PYCDS_LEARN says; to keep it, mount a volume there`],
      ['python', `${python.version}  ${python.executable}`],
      ['hook', python.siteDirectory],
      ...(isImage
        ? ([
            [
              'layer',
              `${formatBytes(result.layer.bytes)} (${formatBytes(result.layer.compressedBytes)} compressed)`,
            ],
            ...(result.replacedBake
              ? ([
                  [
                    'archive',
                    'the one that was baked is left out; with PYCDS_LEARN the baked image itself learns what it lacks',
                  ],
                ] as const)
              : []),
            ['image', `${result.output.reference}  ${shortId(result.output.id)}`],
          ] as const)
        : result.files.map(({ path, bytes }) => ['wrote', `${path}  ${formatBytes(bytes)}`] as const)
      ).map(([key, value]): [string, string] => [key, value]),
    ]),
  ].join('\n')
}
