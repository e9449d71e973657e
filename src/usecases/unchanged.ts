// SPDX-License-Identifier: Apache-2.0
// Whether a bake would make what is there already. Asked of descriptions alone: the source's own, and that of what has
// the new name, which says in a label what it was made from.
import { PycdsError } from '../errors/index.js'
import { labelsOf } from '../layer/labels.js'
import { LABELS } from '../marks/marks.js'
import type { ImageStore, IndexStore, SourceImage } from '../ports/index.js'
import { compare } from '../util/order.js'
import type { BakeRequest } from './bake-request.js'
import { bakeKey, joinKeys } from './key.js'
import { chooseOutput } from './output.js'

/** Where images are looked up. With platforms, a name means one image for each. */
export interface Lookup {
  store: Pick<ImageStore, 'resolve'>
  index?: Pick<IndexStore, 'forPlatform'>
}

export interface UnchangedPorts extends Lookup {
  /** Where new images go. */
  outputs: Lookup
}

/** What is told of a bake that was not needed. */
export interface UnchangedResult {
  schema: 'io.pycds.unchanged/1'
  source: { reference: string; id: string }
  /** The image that is there already. */
  output: {
    reference: string
    id: string
    /** As far as descriptions tell: the id, which some engines make of the manifest. Null for an index of several images. */
    configDigest: string | null
    manifestDigest: string | null
  }
  /** What the bake is known by. */
  key: string
}

/** A bake as far as descriptions tell. */
export interface Described {
  sources: readonly SourceImage[]
  keys: readonly string[]
  key: string
}

/**
 * Finds the images that are to be baked, and what their bake is known by.
 * @param platforms as `linux/arm64`; none or one: the image that the name means
 */
export async function describeBake(
  request: BakeRequest,
  platforms: readonly string[],
  ports: Lookup,
): Promise<Described> {
  const sources: SourceImage[] = []
  for (const store of storesFor(platforms, ports)) sources.push(await store.resolve(request.reference))
  const keys = sources.map((source) => bakeKey(request, source))
  return { sources, keys, key: joinKeys(keys) }
}

/** What is there under the new name, if a bake of the request would make just that. */
export async function findUnchanged(
  request: BakeRequest,
  platforms: readonly string[],
  { sources, keys, key }: Described,
  { outputs }: UnchangedPorts,
): Promise<UnchangedResult | undefined> {
  const [source] = sources
  if (source === undefined) return undefined
  const reference = chooseOutput(request, source.name)
  const found: SourceImage[] = []
  for (const [at, store] of storesFor(platforms, outputs).entries()) {
    const image = await store.resolve(reference).catch(absent)
    if (image === undefined || !isMadeBy(image, keys[at])) return undefined
    found.push(image)
  }
  const [first] = found
  if (first === undefined || !haveTheSameBesides(sources, found)) return undefined
  return {
    schema: 'io.pycds.unchanged/1',
    source: { reference: request.reference, id: source.id },
    // As a bake for several platforms has it, an index is called by its digest.
    output: {
      reference,
      id: found.length > 1 ? (first.target ?? first.id) : first.id,
      configDigest: found.length > 1 ? null : first.id,
      manifestDigest: first.target ?? null,
    },
    key,
  }
}

function storesFor(platforms: readonly string[], { store, index }: Lookup) {
  return platforms.length > 1 && index ? platforms.map((one) => index.forPlatform(one)) : [store]
}

/** An index has what a bake leaves as it is, too, where both are such as have indexes. */
function haveTheSameBesides(sources: readonly SourceImage[], made: readonly SourceImage[]): boolean {
  const [of, there] = [sources, made].map((images) => {
    const own = new Set(images.map(({ manifest }) => manifest))
    const all = images[0]?.besides?.filter((digest) => !own.has(digest))
    return all?.sort(compare).join()
  })
  return of === undefined || there === undefined || of === there
}

/** What was built on a baked image has its labels too, but another last layer. */
function isMadeBy({ config, diffIds }: SourceImage, key: string | undefined): boolean {
  const labels = labelsOf(config)
  return labels[LABELS.key] === key && labels[LABELS.layer] === diffIds.at(-1)
}

/** What is not there, or cannot be read, is to be made. */
function absent(error: unknown): undefined {
  const code = error instanceof PycdsError ? error.code : undefined
  if (code !== 'IMAGE_NOT_FOUND' && code !== 'IMAGE_INVALID') throw error
}
