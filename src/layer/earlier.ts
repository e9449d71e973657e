// SPDX-License-Identifier: Apache-2.0
// What an image brings along from an earlier bake, or from a build that has baked in place, and what a new layer must hide.
import type { ImageConfig } from '../image/index.js'
import { LABELS } from '../marks/marks.js'
import { FOLDER, SNAPSHOT_NAME } from '../marks/places.js'
import type { Container } from '../ports/index.js'
import { isBaked, isReplaceable, labelsOf } from './labels.js'

const SNAPSHOT_PATH = `${FOLDER}/${SNAPSHOT_NAME}`

/** All of the folder, or a snapshot alone: beside it may lie the program that the ENTRYPOINT of the image begins with. */
export type Hidden = 'folder' | 'snapshot'

export interface Earlier {
  /** What must not be seen any more of the layers below the new one. */
  hides: Hidden | undefined
  /** What has made the snapshot that the image has; undefined: it has none. */
  snapshotOf: 'bake' | 'build' | undefined
}

/** @param image with the files of the source image, also of a layer that is going to be taken off */
export async function earlierIn(config: ImageConfig, image: Pick<Container, 'lstat'>): Promise<Earlier> {
  const hasSnapshot = (await image.lstat(SNAPSHOT_PATH)) !== undefined
  const snapshotOf = hasSnapshot ? (isBaked(config) ? 'bake' : 'build') : undefined
  // Its layer goes, and only a label tells what it has hidden.
  if (isReplaceable(config)) return { hides: hiddenBy(config), snapshotOf }
  if (isBaked(config)) return { hides: 'folder', snapshotOf }
  return { hides: hasSnapshot ? 'snapshot' : undefined, snapshotOf }
}

function hiddenBy(config: ImageConfig): Hidden | undefined {
  const hidden = labelsOf(config)[LABELS.hides]
  return hidden === 'folder' || hidden === 'snapshot' ? hidden : undefined
}

/** Tells that a snapshot is lost, as it is where no other is asked for; undefined: there was none. */
export function lostSnapshot({ snapshotOf }: Earlier): string | undefined {
  if (snapshotOf === undefined) return undefined
  const maker = snapshotOf === 'bake' ? 'an earlier bake' : 'the build'
  return `the snapshot that ${maker} of this image has made is not in the new image: --snapshot makes another`
}

/** What a layer has to hold to hide it, whatever lies below. */
export function whiteoutOf(hidden: Hidden | undefined, files: readonly { path: string }[]): string[] {
  // By the image specification: of a directory with the first, nothing of lower layers is seen.
  if (hidden === 'folder') return [`${FOLDER}/.wh..wh..opq`]
  const isReplaced = files.some(({ path }) => path === SNAPSHOT_PATH)
  return hidden === 'snapshot' && !isReplaced ? [`${FOLDER}/.wh.${SNAPSHOT_NAME}`] : []
}
