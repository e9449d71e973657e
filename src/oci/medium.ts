// SPDX-License-Identifier: Apache-2.0
// What the three kinds of places have in common: blobs, and named entries that lead to images.
import { type Descriptor, type Index, REF_NAME, validateIndex } from '../image/index.js'
import type { BlobSource } from './blobs.js'
import type { ImageContents } from './contents.js'
import { nameOf } from './name.js'
import type { Publication } from './publication.js'

/** An opened layout or archive. */
export interface Medium extends BlobSource {
  readonly index: Index
}

/** What a writer puts into a place, under a name. */
export interface NewEntry {
  readonly publication: Publication
  readonly name: string | undefined
  /** The new images themselves: a Docker archive knows no indexes. */
  readonly images: readonly ImageContents[]
}

/** Which engines read another name from; it would give a new image the name of the old one. */
const FOREIGN_NAMES = ['io.containerd.image.name', 'com.docker.official-images.bashbrew.arch']

/** An index.json with new entries under a name; whatever had the name loses its entry. */
export function withEntries(index: Index, { publication, name }: NewEntry): Index {
  const named = publication.descriptors.map((descriptor): Descriptor => {
    const kept = Object.entries(descriptor.annotations ?? {}).filter(
      ([key]) => key !== REF_NAME && !FOREIGN_NAMES.includes(key),
    )
    const annotations = Object.fromEntries(name === undefined ? kept : [...kept, [REF_NAME, name]])
    const { annotations: _, ...rest } = descriptor
    return Object.keys(annotations).length === 0
      ? (rest as Descriptor)
      : ({ ...rest, annotations } as Descriptor)
  })
  const added = [...named, ...publication.referrers]
  const others = index.manifests.filter(
    (entry) => !(name !== undefined && nameOf(entry) === name) && !added.some((one) => isSame(one, entry)),
  )
  return { ...index, manifests: [...others, ...added] }
}

/** An index.json without entries, as a new layout begins. */
export const EMPTY_INDEX: Index = validateIndex({ schemaVersion: 2, manifests: [] }, 'index.json')

function isSame(a: Descriptor, b: Descriptor): boolean {
  return a.digest === b.digest && nameOf(a) === nameOf(b)
}
