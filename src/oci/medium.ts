// SPDX-License-Identifier: Apache-2.0
// What the three kinds of places have in common: blobs, and named entries that lead to images.
import { type Descriptor, type Index, REF_NAME, reviseJson, validateIndex } from '../image/index.js'
import type { BlobSource } from './blobs.js'
import type { ImageContents } from './contents.js'
import { nameOf } from './name.js'
import type { Publication } from './publication.js'

/** An opened layout or archive. */
export interface Medium extends BlobSource {
  readonly index: Index
  /** The index as it is written there; absent where it is made up. */
  readonly indexText?: string
}

/** What a writer puts into a place, under a name. */
export interface NewEntry {
  readonly publication: Publication
  readonly name: string | undefined
  /** The new images themselves: a Docker archive knows no indexes. */
  readonly images: readonly ImageContents[]
}

/**
 * The text of an index.json with new entries, in which all else keeps its bytes.
 * @param medium what is there already; undefined: nothing
 */
export function indexTextWith(medium: Medium | undefined, entry: NewEntry): string {
  const { index, indexText = JSON.stringify(index) } = medium ?? { index: EMPTY_INDEX }
  return reviseJson(indexText, withEntries(index, entry))
}

/** Which engines read another name from; it would give a new image the name of the old one. */
const FOREIGN_NAMES = ['io.containerd.image.name', 'com.docker.official-images.bashbrew.arch']

/** An index.json with new entries under a name; whatever had the name loses its entry. */
function withEntries(index: Index, { publication, name }: NewEntry): Index {
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
