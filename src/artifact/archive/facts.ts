// SPDX-License-Identifier: Apache-2.0
// The archive in text for people.
import { quote } from '../../util/quote.js'
import { formatBytes, formatCount, formatPercentage } from '../../util/units.js'
import type { Counts, Fact, Facts, Occasion } from '../kind/artifact.js'
import type { ArchiveContents } from './describe.js'
import type { ArchiveSummary } from './make.js'

export const archiveFacts: Facts<ArchiveSummary> = {
  made: (archive, occasion) => [
    ['modules', formatModules(archive, occasion)],
    // A build log has a line for each file instead.
    ...(occasion.after === 'step' ? [] : [['compiled', formatCompiled(archive)] satisfies Fact]),
  ],
  place: ({ path }) => [['archive', path]],
}

export function archiveContentFacts({ archive, python }: ArchiveContents): Fact[] {
  return [
    ['archive', `${archive.path}  ${formatBytes(archive.bytes)}, format ${archive.format}`],
    ['python', `${python.version} (${python.abi}), build ${python.buildId}`],
    ['modules', String(archive.modules)],
    ['compiled', formatCompiled(archive)],
  ]
}

/** What a start was served, as columns of a table. */
export function archiveCountColumns({ served, total, hitRate }: Counts): string[] {
  return [`${served}/${total}`, formatPercentage(hitRate)]
}

function formatModules({ modules, leftOut }: ArchiveSummary, occasion: Occasion): string {
  const count = leftOut.length
  if (occasion.after === 'dry run') return `${modules} to archive, ${count} left out`
  const hint = occasion.after === 'bake' ? ` (pycds-image inspect ${quote(occasion.image)} tells why)` : ''
  return `${modules} archived${count === 0 ? '' : `, ${count} left out${hint}`}`
}

/** What was compiled in training: `120 regular expressions, 1 source string`. */
function formatCompiled({ regexes, sources }: { regexes: number; sources: number }): string {
  return `${formatCount(regexes, 'regular expression')}, ${formatCount(sources, 'source string')}`
}
