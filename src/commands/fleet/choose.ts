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
import { type OutputFileFlags, outputFiles } from '../cli/output-files.js'

/** The flags of an image that say what it will be called. */
export interface Naming extends OutputFileFlags {
  tag?: string | undefined
  output?: string | undefined
}

export interface Choice {
  only: readonly string[] | undefined
  shard: Shard | undefined
  list: ListImages
}

/** An image that is to be baked. */
export interface Chosen<F> {
  image: Expanded
  flags: F
  /** What it becomes; undefined where that is only known when it is looked at. */
  output: string | undefined
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
): Promise<Chosen<F>[]> {
  const images = await expandEntries(entries, list, isWanted(entries, only))
  const isNamed = ({ entry, name }: Expanded) => !only || only.includes(entry) || only.includes(name)
  const named = images.filter(isNamed)
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
  const others = []
  for (const image of images) {
    if (isNamed(image)) all.push(await look(image))
    // What is wrong with the options of an image that is not asked for is told when it is.
    else others.push(await look(image).catch(() => undefined))
  }
  const outputs = others.flatMap((other) => other?.source ?? [])
  const sources = new Set(withoutOutputs([...all.map(({ source }) => source), ...outputs]))
  const rest = all.filter(({ source }) => sources.has(source))
  assertDistinct(
    rest.map(({ image, flags, source }) => ({
      name: image.name,
      output: source.output,
      files: outputFiles(flags),
    })),
  )
  const own = rest.filter(({ image }) => shard === undefined || isInShard(image.name, shard))
  return own.map(({ image, flags, source }) => ({ image, flags, output: source.output }))
}

/** Which patterns have to be looked up: where all that is asked for is the name of an entry, no other one. */
function isWanted(entries: readonly Entry[], only: readonly string[] | undefined): (entry: Entry) => boolean {
  const isDirect = only?.every((one) => entries.some(({ name }) => name === one)) === true
  return ({ name }) => !isDirect || only.includes(name)
}

function notThere(path: string, name: string, images: readonly Expanded[]): PycdsError {
  const names = [...new Set(images.map(({ entry }) => entry))]
  return new PycdsError('USAGE', {
    message: `--only ${name}: ${path} has no image of that name`,
    hint: `It has: ${names.join(', ')}.`,
  })
}
