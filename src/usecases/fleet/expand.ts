// SPDX-License-Identifier: Apache-2.0
// From entries whose images may be patterns to images. What a bake has made is never a source, or a second run would
// bake what the first one has made.
import { resolve } from 'node:path'
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

/** What engines take a name without a registry for. */
const HUB_NAMES: readonly string[] = ['docker.io', 'index.docker.io']

/** Options in whose values a pattern can name what it has found. */
const FILLED = ['tag', 'output', 'provenance', 'sbom', 'trace-out', 'metadata-file', 'iidfile']

/**
 * Expands the patterns among entries, each of which gives its images by name. An image that is also named as it is, or that
 * an earlier pattern fits, is left out; a pattern that fits nothing, or cannot be looked up, is an entry with a failure.
 * @param isLookedUp of a pattern: others give nothing
 */
export async function expandEntries(
  entries: readonly Entry[],
  list: ListImages,
  isLookedUp: (entry: Entry) => boolean = () => true,
): Promise<Expanded[]> {
  const seen = new Set(entries.filter(({ image }) => !isGlob(image)).map(({ image }) => normal(image)))
  const expanded: Expanded[] = []
  for (const entry of entries) {
    if (!isGlob(entry.image)) {
      expanded.push({ ...entry, entry: entry.name, isFound: false })
      continue
    }
    if (!isLookedUp(entry)) continue
    const found = await lookUp(entry.image, list)
    if (found instanceof PycdsError) {
      expanded.push({ ...entry, entry: entry.name, isFound: false, failure: found })
      continue
    }
    const fresh = found.filter((image) => !seen.has(normal(image))).sort(compare)
    for (const image of fresh) {
      seen.add(normal(image))
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

/** What a bake of one image makes. */
export interface Makes {
  name: string
  /** What the image becomes, as {@link outputOf} has it. */
  output: string | undefined
  /** Files that are written beside it. */
  files: readonly string[]
}

/** USAGE when two images would get the same name, or two of their files would. */
export function assertDistinct(images: readonly Makes[]): void {
  const owners = new Map<string, string>()
  /** Archives can have several images, all of one form. */
  const forms = new Map<string, { kind: string; name: string }>()
  const own = (verb: string, made: string, name: string) => {
    const other = owners.get(`${verb} ${made}`)
    if (other !== undefined) throw contested(name, `${verb} ${made}`, other)
    owners.set(`${verb} ${made}`, name)
  }
  for (const { name, output, files } of images) {
    if (output !== undefined) own('become', output, name)
    for (const file of files) own('write', resolve(file), name)
    const place = output === undefined ? undefined : parseLocation(output)
    if (place === undefined || place.kind === 'registry') continue
    const other = forms.get(place.path)
    if (other !== undefined && other.kind !== place.kind)
      throw contested(name, `write ${place.path} as ${place.kind}`, `${other.name} as ${other.kind}`)
    forms.set(place.path, { kind: place.kind, name })
  }
}

function contested(name: string, what: string, other: string): PycdsError {
  return new PycdsError('USAGE', {
    message: `${name}: it would ${what}, and so would ${other}`,
    hint: 'Give each a name of its own; where images are found by a pattern, write {repository} or {tag} in it.',
  })
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

/** One name for all the ways to write it. */
function normal(name: string): string {
  const place = parseLocation(name)
  if (place?.kind === 'registry')
    return formatLocation(place.digest ? place : { ...place, name: place.name ?? DEFAULT_TAG })
  if (place !== undefined) return formatLocation({ ...place, path: resolve(place.path) })
  const { domain, path, ...rest } = parseReference(name)
  const isOfHub = domain === undefined || HUB_NAMES.includes(domain)
  return formatReference({
    ...(isOfHub ? {} : { domain }),
    path: isOfHub ? path.replace(/^library\//, '') : path,
    ...(rest.tag || rest.digest ? rest : { tag: DEFAULT_TAG }),
  })
}
