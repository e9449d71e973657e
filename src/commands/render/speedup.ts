// SPDX-License-Identifier: Apache-2.0
import type { BakeResult } from '../../usecases/result.js'
import { formatFactor } from '../../util/units.js'

/** How many times as fast, and how far that may be off: `2.45x`, `(within 4 %)`; undefined where it is no more than noise. */
export function formatSpeedup({
  speedup,
  relativeError,
  noisy,
}: NonNullable<BakeResult['start']>): [factor: string, error: string | undefined] | undefined {
  if (noisy) return undefined
  const error = relativeError === null ? undefined : `(within ${Math.ceil(relativeError * 100)} %)`
  return [formatFactor(speedup), error]
}

/** The same in a table. */
export function speedupCell(start: NonNullable<BakeResult['start']>): string {
  return formatSpeedup(start)?.filter(Boolean).join(' ') ?? 'noisy'
}
