// SPDX-License-Identifier: Apache-2.0
import type { Style } from '../../log/index.js'
import type { UnchangedResult } from '../../usecases/unchanged.js'

/** The end of a bake that was not needed. */
export function renderUnchanged({ source, output }: UnchangedResult, style: Style): string {
  return style.strong(
    `${style.good('Unchanged')}: ${output.reference} is what a bake of ${source.reference} would make`,
  )
}
