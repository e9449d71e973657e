// SPDX-License-Identifier: Apache-2.0
// From entries whose images may be patterns to images. What a bake has made is never a source, or a second run would
// bake what the first one has made.
import { PycdsError, toPycdsError } from '../../errors/index.js'
import {
  DEFAULT_TAG,
  formatLocation,
  formatReference,
  parseLocation,
  parseReference,
} from '../../image/index.js'
import { LABELS } from '../../marks/marks.js'
import type { ListedImage } from '../../ports/index.js'
import { isGlob } from '../../util/glob.js'
import { compare } from '../../util/order.js'
import { chooseOutput } from '../output.js'

/** An entry of a file. */
export interface Entry {
  name: string
  image: string
  /** Options as words of a command line. */
  words: string[]
  command?: string[]
}

/** An image, or why a pattern gave none. */
export interface Expanded extends Entry {
  /** The name of the entry that it comes from. */
  entry: string
  /** Whether a pattern has found it. */
  isFound: boolean
  failure?: PycdsError
}

/** Gives the images that a pattern fits. */
export type ListImages = (pattern: string) => Promise<readonly ListedImage[]>

/** Options in whose values a pattern can name what it has found. */
const FILLED = ['tag', 'output', 'provenance', 'sbom', 'trace-out', 'metadata-file', 'iidfile']

/**
 * Expands the patterns among entries, each of which gives its images by name. An image that is also named as it is, or that
 * an earlier pattern fits, is left out; a pattern that fits nothing, or cannot be looked up, is an entry with a failure.
 */
export async function expandEntries(entries: readonly Entry[], list: ListImages): Promise<Expanded[]> {
  const seen = new Set(entries.filter(({ image }) => !isGlob(image)).map(({ image }) => image))
  const expanded: Expanded[] = []
  for (const entry of entries) {
    if (!isGlob(entry.image)) {
      expanded.push({ ...entry, entry: entry.name, isFound: false })
      continue
    }
    const found = await lookUp(entry.image, list)
    if (found instanceof PycdsError) {
      expanded.push({ ...entry, entry: entry.name, isFound: false, failure: found })
      continue
    }
    const fresh = found.filter((image) => !seen.has(image)).sort(compare)
    for (const image of fresh) {
      seen.add(image)
      const words = entry.words.map((word) => fill(word, image))
      expanded.push({ ...entry, entry: entry.name, isFound: true, name: image, image, words })
    }
  }
  return expanded
}

/** What was given an image's new name by `words`, as far as that is known before the image is looked at. */
export function outputOf(entry: { image: string; tag?: string; output?: string }): string | undefined {
  const { image, ...names } = entry
  // Without a name of its own, what it is called depends on what is in the place.
  const place = parseLocation(image)
  if (place !== undefined && place.name === undefined && place.kind !== 'registry') return undefined
  try {
    return normal(chooseOutput({ reference: image, ...names }))
  } catch {
    return undefined // told when it is baked
  }
}

/** Leaves out images that others are baked into; `outputs` has what each is baked into. */
export function withoutOutputs<T extends { image: string; isFound: boolean; output: string | undefined }>(
  images: readonly T[],
): T[] {
  const outputs = new Set(images.map(({ output }) => output))
  return images.filter(({ image, isFound }) => !(isFound && outputs.has(normal(image))))
}

/** USAGE when two images would get the same name. */
export function assertDistinct(images: readonly { name: string; output: string | undefined }[]): void {
  const owners = new Map<string, string>()
  for (const { name, output } of images) {
    if (output === undefined) continue
    const other = owners.get(output)
    if (other !== undefined) {
      throw new PycdsError('USAGE', {
        message: `${name}: it would become ${output}, and so would ${other}`,
        hint: 'Give each a name of its own; where images are found by a pattern, write {repository} or {tag} in it.',
      })
    }
    owners.set(output, name)
  }
}

async function lookUp(pattern: string, list: ListImages): Promise<readonly string[] | PycdsError> {
  try {
    const found = (await list(pattern)).filter(({ labels = {} }) => labels[LABELS.layer] === undefined)
    if (found.length > 0) return found.map(({ name }) => name)
  } catch (error) {
    return toPycdsError(error)
  }
  return new PycdsError('IMAGE_NOT_FOUND', {
    message: `images ${pattern}: there is none`,
    hint: 'Correct the pattern, or take it out: * stands for anything but a slash, ** for anything, ? for one sign.',
  })
}

/** The word with what the image is called in the place of `{repository}`, `{tag}` and `{name}`. */
function fill(word: string, image: string): string {
  if (!FILLED.some((option) => word.startsWith(`--${option}=`))) return word
  const { repository, tag } = partsOf(image)
  const name = image.replace(/[^A-Za-z0-9._-]+/g, '_')
  return word.replaceAll('{repository}', repository).replaceAll('{tag}', tag).replaceAll('{name}', name)
}

/** The repository without its registry, and the tag; of a layout or file its name, without what is in front and behind. */
function partsOf(image: string): { repository: string; tag: string } {
  const place = parseLocation(image)
  if (place === undefined) {
    const { path, tag = DEFAULT_TAG } = parseReference(image)
    return { repository: path, tag }
  }
  if (place.kind === 'registry') {
    return { repository: place.path.slice(place.path.indexOf('/') + 1), tag: place.name ?? DEFAULT_TAG }
  }
  const [, stem = ''] = /([^/]*?)(?:\.tar)?\/*$/.exec(place.path) ?? []
  return { repository: stem, tag: place.name ?? DEFAULT_TAG }
}

function normal(name: string): string {
  const place = parseLocation(name)
  if (place?.kind === 'registry' && !place.digest)
    return formatLocation({ ...place, name: place.name ?? DEFAULT_TAG })
  if (place !== undefined) return formatLocation(place)
  const reference = parseReference(name)
  return formatReference(reference.tag || reference.digest ? reference : { ...reference, tag: DEFAULT_TAG })
}
