// SPDX-License-Identifier: Apache-2.0
// What the snapshot of an image holds, as the manifest beside it tells: its memory says nothing to people.
import { FOLDER, SNAPSHOT_NAME } from '../../marks/places.js'
import type { Container } from '../../ports/index.js'
import type { SnapshotNote } from '../kind/manifest.js'

export interface SnapshotContents extends SnapshotNote {
  path: string
}

/** @param noted  what the manifest says; undefined: of none */
export async function describeSnapshot(
  image: Pick<Container, 'stat'>,
  noted: SnapshotNote | undefined,
): Promise<SnapshotContents | null> {
  const path = `${FOLDER}/${SNAPSHOT_NAME}`
  const file = noted && (await image.stat(path))
  return noted && file ? { ...noted, path, bytes: file.size } : null
}
