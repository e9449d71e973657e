// SPDX-License-Identifier: Apache-2.0
// Which images of a file are baked by this run.
import { PycdsError } from '../../errors/index.js'
import {
  assertDistinct,
  type Entry,
  type Expanded,
  expandEntries,
  isInShard,
  type ListImages,
  outputOf,
  type Shard,
  withoutOutputs,
} from '../../usecases/fleet/index.js'

/** The flags of an image that say what it will be called. */
export interface Naming {
  tag?: string | undefined
  output?: string | undefined
}

export interface Choice {
  only: readonly string[] | undefined
  shard: Shard | undefined
  list: ListImages
}

/**
 * Chooses the images, in the order of the file, with their options read; USAGE when two would get the same name.
 * @param read gives the options of an image
 */
export async function chooseImages<F extends Naming>(
  path: string,
  entries: readonly Entry[],
  { only, shard, list }: Choice,
  read: (image: Expanded) => Promise<F>,
): Promise<{ image: Expanded; flags: F }[]> {
  const images = await expandEntries(wanted(entries, only), list)
  const named = images.filter(({ entry, name }) => !only || only.includes(entry) || only.includes(name))
  const unknown = only?.find((one) => !named.some(({ entry, name }) => entry === one || name === one))
  if (unknown !== undefined) throw notThere(path, unknown, images)
  const look = async (image: Expanded) => {
    const flags = await read(image)
    const { tag, output } = flags
    const names = { ...(tag === undefined ? {} : { tag }), ...(output === undefined ? {} : { output }) }
    const becomes = image.failure ? undefined : outputOf({ image: image.image, ...names })
    return { image, flags, source: { image: image.image, isFound: image.isFound, output: becomes } }
  }
  const all = []
  for (const image of named) all.push(await look(image))
  const sources = new Set(withoutOutputs(all.map(({ source }) => source)))
  const rest = all.filter(({ source }) => sources.has(source))
  assertDistinct(rest.map(({ image, source }) => ({ name: image.name, output: source.output })))
  return rest.filter(({ image }) => shard === undefined || isInShard(image.name, shard))
}

/** The entries that are named, where all are: the images of others need not be looked up. */
function wanted(entries: readonly Entry[], only: readonly string[] | undefined): readonly Entry[] {
  const direct = entries.filter(({ name }) => only?.includes(name))
  return only?.every((one) => direct.some(({ name }) => name === one)) ? direct : entries
}

function notThere(path: string, name: string, images: readonly Expanded[]): PycdsError {
  const names = [...new Set(images.map(({ entry }) => entry))]
  return new PycdsError('USAGE', {
    message: `--only ${name}: ${path} has no image of that name`,
    hint: `It has: ${names.join(', ')}.`,
  })
}
