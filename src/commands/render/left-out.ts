// SPDX-License-Identifier: Apache-2.0
import { compare } from '../../util/order.js'
import { formatCount } from '../../util/units.js'

/** A module that is not served, and the reason as one word or sentence. */
export interface LeftOut {
  name: string
  reason: string
}

/** More names than this per reason are counted, not listed. */
const MAX_NAMES = 8

/** Groups modules by reason, the most frequent first, and lists some names of each. */
export function renderLeftOut(leftOut: readonly LeftOut[]): string[] {
  const byReason = new Map<string, string[]>()
  for (const { name, reason } of leftOut) byReason.set(reason, [...(byReason.get(reason) ?? []), name])
  return [...byReason]
    .sort(([a, x], [b, y]) => y.length - x.length || compare(a, b))
    .flatMap(([reason, names]) => {
      const shown = [...names].sort().slice(0, MAX_NAMES)
      const rest = names.length - shown.length
      return [
        `  ${reason} (${formatCount(names.length, 'module')})`,
        `    ${shown.join(', ')}${rest > 0 ? ` and ${rest} more` : ''}`,
      ]
    })
}
