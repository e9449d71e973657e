// SPDX-License-Identifier: Apache-2.0
// A process snapshot in text for people.
import { formatBytes, formatCount, formatMs } from '../../util/units.js'
import type { Fact, Facts } from '../artifact.js'
import type { SnapshotLeftOut } from '../manifest.js'
import type { SnapshotSummary } from './make.js'

/** More causes than this are counted, not listed. */
const MAX_CAUSES = 5

export const snapshotFacts: Facts<SnapshotSummary> = {
  made: (snapshot) => [
    [
      'snapshot',
      snapshot.reason === null ? describe(snapshot) : `none, the archive is alone: ${snapshot.reason}`,
    ],
    ...causeFacts(snapshot.leftOut),
  ],
  place: ({ path }) => (path === null ? [] : [['snapshot', path]]),
}

function describe({ modules, bytes, compressedBytes, thaws }: SnapshotSummary): string {
  const size =
    compressedBytes === null ? formatBytes(bytes) : `${formatBytes(compressedBytes)} compressed in the layer`
  const tried = thaws && `thawed in ${formatMs(thaws.milliseconds)}, ${thaws.starts} of ${thaws.starts} times`
  return [`${formatCount(modules, 'module')} ready`, size, ...(tried ? [tried] : [])].join(', ')
}

/** The imports for which modules are left out, those that cost most first. */
export function causeFacts(leftOut: readonly SnapshotLeftOut[]): Fact[] {
  const causes = leftOut
    .filter(({ name, because }) => name === because)
    .map((cause) => {
      const all = leftOut.filter(({ because }) => because === cause.name)
      return { cause, all, milliseconds: Math.max(...all.map((one) => one.milliseconds)) }
    })
    .sort((a, b) => b.milliseconds - a.milliseconds)
  const shown = causes.slice(0, MAX_CAUSES).map(({ cause, all, milliseconds }): Fact => {
    const users = all.filter(({ name }) => name !== cause.name).map(({ name }) => name)
    const more = users.length === 0 ? '' : `, and with it ${list(users)}`
    const about = cause.detail === '' ? '' : ` (${cause.detail})`
    return [
      'left out',
      `${cause.name}${more}: ${cause.reason}${about}; ${formatMs(milliseconds)} of each start`,
    ]
  })
  const rest = causes.length - shown.length
  return rest === 0 ? shown : [...shown, ['left out', `${formatCount(rest, 'further reason')}: see inspect`]]
}

const NAMED = 3

/** Names in a few words: the shortest say most. */
function list(names: readonly string[]): string {
  const sorted = [...names].sort((a, b) => a.length - b.length)
  const rest = sorted.length - NAMED
  return `${sorted.slice(0, NAMED).join(', ')}${rest > 0 ? ` and ${rest} more` : ''}`
}
