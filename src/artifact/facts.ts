// SPDX-License-Identifier: Apache-2.0
// The artifacts of an image in text for people. Nothing but text is loaded with this: commands are to start fast.
import { archiveContentFacts, archiveCountColumns, archiveFacts } from './archive/facts.js'
import { bytecodeFacts } from './bytecode/facts.js'
import type { Summaries } from './content.js'
import type { Contents } from './describe.js'
import type { Counts, Fact, Occasion, Thawed } from './kind/artifact.js'
import { snapshotContentFacts, snapshotFacts, thawedLine } from './snapshot/facts.js'

/** What was made, or would be. */
export function madeFacts({ archive, bytecode, snapshot }: Summaries, occasion: Occasion): Fact[] {
  return [
    ...archiveFacts.made(archive, occasion),
    ...bytecodeFacts.made(bytecode, occasion),
    ...(snapshot === null ? [] : snapshotFacts.made(snapshot, occasion)),
  ]
}

/** Where that lies, as far as it lies in one place. */
export function placeFacts({ archive, bytecode, snapshot }: Summaries): Fact[] {
  return [
    ...archiveFacts.place(archive),
    ...bytecodeFacts.place(bytecode),
    ...(snapshot === null ? [] : snapshotFacts.place(snapshot)),
  ]
}

/** What an image, or a file, holds. */
export function contentFacts(contents: Contents): Fact[] {
  const { snapshot } = contents
  return [...archiveContentFacts(contents), ...(snapshot === null ? [] : snapshotContentFacts(snapshot))]
}

/** What a start was served: columns of numbers, in a table with a row for each start. */
export function countColumns(counts: Counts): string[] {
  return archiveCountColumns(counts)
}

/** What a start took from artifacts beside the archive, a line each. */
export function startLines(counts: Counts, thawed: Thawed | null): string[] {
  return thawed === null ? [] : thawedLine(counts, thawed)
}
