// SPDX-License-Identifier: Apache-2.0
// Which entries of a place a location means. Whoever names none means the only image: signatures and other artifacts
// beside it are no choice, and neither is what a bake has written beside its source.
import { PycdsError } from '../errors/index.js'
import { DEFAULT_TAG, type Descriptor, formatPlatform, type Location } from '../image/index.js'
import { type FoundImage, findImages } from './find-images.js'
import type { Medium } from './medium.js'
import { nameOf } from './name.js'

/** The entries that a location means; IMAGE_NOT_FOUND when there is none, or several and no name. */
export async function chooseEntries(medium: Medium, location: Location): Promise<readonly Descriptor[]> {
  const { name, digest } = location
  const { manifests } = medium.index
  const chosen = manifests.filter((entry) => {
    if (digest !== undefined) return entry.digest === digest
    return name !== undefined && nameOf(entry) === name
  })
  if (digest !== undefined) chosen.splice(1) // under several names it is one image all the same
  const isNamed = name !== undefined || digest !== undefined
  if (isNamed && chosen.length === 0) throw missing(medium, name ?? digest, await withImages(medium))
  const entries = isNamed ? chosen : await onlyEntries(medium)
  await assertOneImage(medium, entries)
  return entries
}

/** All entries of the only name, or the nameless ones. */
async function onlyEntries(medium: Medium): Promise<readonly Descriptor[]> {
  const entries = withoutBaked(await withImages(medium))
  const names = new Set(entries.map(nameOf))
  if (names.size === 1) return entries
  throw missing(medium, undefined, entries)
}

/** The entries that lead to an image. What cannot be read may be one: it is told when it is chosen. */
async function withImages(medium: Medium): Promise<Descriptor[]> {
  const found: Descriptor[] = []
  for (const entry of medium.index.manifests) {
    const images = await findImages(medium, [entry]).catch(() => undefined)
    if (images === undefined || images.some(({ platform }) => platform !== undefined)) found.push(entry)
  }
  return found
}

/** A bake writes beside its source: the only image of a layout stays the only one that can be meant. */
function withoutBaked(entries: readonly Descriptor[]): Descriptor[] {
  const suffix = '-cds'
  const names = entries.map((entry) => nameOf(entry) ?? DEFAULT_TAG)
  return entries.filter((entry) => {
    const name = nameOf(entry)
    return !(name?.endsWith(suffix) && names.includes(name.slice(0, -suffix.length)))
  })
}

/** Entries that are meant together are the platforms of one image; two for one platform are two images. */
async function assertOneImage(medium: Medium, entries: readonly Descriptor[]): Promise<void> {
  const unique = entries.filter(({ digest }, at) => entries.findIndex((one) => one.digest === digest) === at)
  if (unique.length < 2) return
  const found = (await findImages(medium, unique)).filter(({ platform }) => platform !== undefined)
  const seen = new Map<string, Descriptor>()
  for (const { platform, root } of found as (FoundImage & {
    platform: NonNullable<FoundImage['platform']>
  })[]) {
    const other = seen.get(formatPlatform(platform))
    if (other !== undefined && other !== root) throw missing(medium, undefined, [other, root])
    seen.set(formatPlatform(platform), root)
  }
}

function missing(
  { subject, index }: Medium,
  wanted: string | undefined,
  entries: readonly Descriptor[],
): PycdsError {
  const isNone = entries.length === 0
  const names = [...new Set(entries.map((entry) => callable(entry, entries)))].join(', ')
  const what = index.manifests.length === 0 ? 'no image' : 'no image, only what is said of images'
  return new PycdsError('IMAGE_NOT_FOUND', {
    message:
      wanted === undefined
        ? `${subject}: it holds ${isNone ? what : 'several images'}`
        : `${subject}: it holds no image named ${wanted}`,
    hint: isNone ? 'Put an image into it first.' : `Name one of: ${names}`,
  })
}

/** What an entry can be named by in a location: its digest where its name is no name, or that of others too. */
function callable(entry: Descriptor, entries: readonly Descriptor[]): string {
  const name = nameOf(entry)
  const isAmbiguous = entries.some((one) => nameOf(one) === name && one.digest !== entry.digest)
  return name === undefined || isAmbiguous ? `@${entry.digest}` : name
}
