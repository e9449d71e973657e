// SPDX-License-Identifier: Apache-2.0
// What the artifacts of an image hold, or one that lies in a file by itself.
import { PycdsError } from '../errors/index.js'
import type { Archiver, Container } from '../ports/index.js'
import { quote } from '../util/quote.js'
import { type ArchiveContents, describeArchive } from './archive/describe.js'
import { ARCHIVE_PATH, LEARN_PATH, readBaked } from './kind/baked.js'
import { describeSnapshot, type SnapshotContents } from './snapshot/describe.js'

/** As results tell it. */
export interface Contents extends ArchiveContents {
  /** The process snapshot; null where there is none. */
  snapshot: SnapshotContents | null
}

export interface Subject {
  /** What is described, as messages name it. */
  name: string
  /** Also list every module. */
  map: boolean
}

/** @throws IMAGE_INVALID when the image was never baked, ARCHIVE_INVALID when what it holds is damaged */
export async function describeImage(
  image: Pick<Container, 'readFile' | 'stat'>,
  { name, map }: Subject,
  archiver: Archiver,
): Promise<Contents> {
  const { archive, manifest } = await readBaked(image)
  if (!archive && (await image.stat(LEARN_PATH))) {
    throw new PycdsError('IMAGE_INVALID', {
      message: `image ${name}: it is prepared: it holds no archive, its containers learn`,
      hint: 'Inspect a copy of the directory in which they do: pycds-image inspect DIR',
    })
  }
  if (!archive) {
    throw new PycdsError('IMAGE_INVALID', {
      message: `image ${name}: it holds no archive at ${ARCHIVE_PATH}`,
      hint: `Bake it first: pycds-image bake ${quote(name)}`,
    })
  }
  const found = { path: ARCHIVE_PATH, leftOut: manifest?.leftOut, map }
  const contents = describeArchive(archiver.describe(name, archive), found)
  const snapshot = await describeSnapshot(image, manifest?.snapshot)
  const ready = snapshot?.modules.map((module) => `${module}\tready in ${snapshot.path}`) ?? []
  const lines = contents.map === null ? null : [contents.map, ...ready].join('\n')
  return { ...contents, map: lines, snapshot }
}

/**
 * Describes a file by its bytes; an archive is the one kind that has a file of its own.
 * @throws ARCHIVE_INVALID when it is none, or damaged
 */
export function describeFile(
  bytes: Buffer,
  { name, map }: Subject,
  archiver: Archiver,
): { kind: 'archive'; contents: Contents } {
  const found = { path: name, leftOut: undefined, map }
  const contents = describeArchive(archiver.describe(name, bytes), found)
  return { kind: 'archive', contents: { ...contents, snapshot: null } }
}
