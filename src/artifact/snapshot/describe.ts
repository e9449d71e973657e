// SPDX-License-Identifier: Apache-2.0
// What the snapshot of an image holds, as the manifest beside it tells: its memory says nothing to people.
import { FOLDER, SNAPSHOT_NAME } from '../../marks/places.js'
import type { Container } from '../../ports/index.js'
import type { SnapshotNote } from '../kind/manifest.js'
import { describeRefusal } from './report.js'

export interface SnapshotContents extends SnapshotNote {
  path: string
  /** Why no start uses the file that lies there, as code and sentence; null: nothing is seen from outside. */
  problem: string | null
}

/** @param noted  what the manifest says; undefined: of none */
export async function describeSnapshot(
  image: Pick<Container, 'stat'>,
  noted: SnapshotNote | undefined,
): Promise<SnapshotContents | null> {
  const path = `${FOLDER}/${SNAPSHOT_NAME}`
  const file = noted && (await image.stat(path))
  if (!noted || !file) return null
  const problem = file.size === noted.bytes ? null : describeRefusal('TRUNCATED')
  return { ...noted, path, bytes: file.size, problem }
}
