// SPDX-License-Identifier: Apache-2.0
// What the three kinds of places have in common: blobs, and named entries that lead to images.
import { PycdsError } from '../errors/index.js'
import { type Descriptor, type Index, type Location, REF_NAME, validateIndex } from '../image/index.js'
import type { BlobSource } from './blobs.js'
import type { ImageContents } from './contents.js'
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

/** The entries that a location means; IMAGE_NOT_FOUND when there is none, or several and no name. */
export function chooseEntries({ index, subject }: Medium, location: Location): readonly Descriptor[] {
  const { name, digest } = location
  const names = withoutBaked([...new Set(index.manifests.map(nameOf))])
  const isWanted = (entry: Descriptor) => {
    if (digest !== undefined) return entry.digest === digest
    return name === undefined ? names.includes(nameOf(entry)) : nameOf(entry) === name
  }
  const chosen = index.manifests.filter(isWanted)
  if (chosen.length > 0 && (name !== undefined || digest !== undefined || names.length === 1)) return chosen
  const wanted = name ?? digest
  const known = names.map((one) => one ?? '(without a name)').join(', ')
  throw new PycdsError('IMAGE_NOT_FOUND', {
    message:
      wanted === undefined
        ? `${subject}: it holds ${names.length === 0 ? 'no image' : 'several images'}`
        : `${subject}: it holds no image named ${wanted}`,
    hint: names.length === 0 ? 'Put an image into it first.' : `Name one of: ${known}`,
  })
}

/** A bake writes beside its source: the only image of a layout stays the only one that can be meant. */
function withoutBaked(names: readonly (string | undefined)[]): (string | undefined)[] {
  const suffix = '-cds'
  return names.filter((name) => {
    const original = name?.endsWith(suffix) ? name.slice(0, -suffix.length) : undefined
    return original === undefined || !names.includes(original)
  })
}

/** The name of an entry of an index.json. */
export function nameOf(entry: Descriptor): string | undefined {
  return entry.annotations?.[REF_NAME]
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
  const others = index.manifests.filter(
    (entry) => !(name !== undefined && nameOf(entry) === name) && !named.some((one) => isSame(one, entry)),
  )
  return { ...index, manifests: [...others, ...named] }
}

/** An index.json without entries, as a new layout begins. */
export const EMPTY_INDEX: Index = validateIndex({ schemaVersion: 2, manifests: [] }, 'index.json')

function isSame(a: Descriptor, b: Descriptor): boolean {
  return a.digest === b.digest && nameOf(a) === nameOf(b)
}
