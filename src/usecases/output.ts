// SPDX-License-Identifier: Apache-2.0
// Where the new image goes: a name in the engine, or a location.
import { resolve } from 'node:path'
import { PycdsError } from '../errors/index.js'
import {
  defaultOutputLocation,
  defaultOutputReference,
  foreignForm,
  formatLocation,
  formatReference,
  isImageName,
  isLocation,
  type Location,
  lostPath,
  parseLocation,
  parseReference,
  renameLocation,
} from '../image/index.js'
import { formOnDisk } from '../util/form-on-disk.js'

export interface OutputRequest {
  /** The source image: the name of one in the engine, or a location. */
  reference: string
  /** Name of the new image; default: the old one with `-cds` behind its tag. */
  tag?: string
  /** Where it goes; default: where the source lies. */
  output?: string
}

/**
 * Chooses the new image's place and name.
 * @param name the source with everything filled in that its store knows.
 * @throws USAGE for names that contradict each other or that are the source's own.
 */
export function chooseOutput(request: OutputRequest, name = request.reference): string {
  const source = parseLocation(name)
  if (source === undefined) assertNoPath(name)
  if (request.tag !== undefined) assertName('--tag', request.tag)
  if (request.output !== undefined && !isLocation(request.output)) assertName('--output', request.output)
  const output =
    request.output === undefined ? besideSource(name, source, request) : elsewhere(name, source, request)
  if (isSame(output, name)) {
    throw new PycdsError('USAGE', {
      message: `output ${output}: it is the source image, which is never changed`,
      hint: 'Give another name with --tag or --output.',
    })
  }
  return output
}

/** What is no name may be a path, and what lies there says more than the grammar of names. */
function assertNoPath(name: string): void {
  const form = isImageName(name) ? undefined : (formOnDisk(name) ?? lostPath(name))
  if (form === undefined) return
  throw new PycdsError('USAGE', {
    message: `image name ${JSON.stringify(name)}: ${form.reason}`,
    hint: form.hint,
  })
}

/** A wrong form may well be a name that can be given, and nobody would look for the image under it. */
function assertName(flag: string, text: string): void {
  const { reason, hint } = isLocation(text)
    ? {
        reason: 'it is a location, and the new image stays in the place of the old one',
        hint: `Write --output ${text}`,
      }
    : (foreignForm(text) ?? {})
  if (reason === undefined || hint === undefined) return
  throw new PycdsError('USAGE', { message: `${flag} ${text}: ${reason}`, hint })
}

function besideSource(name: string, source: Location | undefined, { tag }: OutputRequest): string {
  if (source === undefined) {
    const reference = parseReference(name)
    return formatReference(tag === undefined ? defaultOutputReference(reference) : parseReference(tag))
  }
  const place = defaultOutputLocation(source)
  return formatLocation(tag === undefined ? place : renameLocation(place, tag))
}

function elsewhere(name: string, source: Location | undefined, { output = '', tag }: OutputRequest): string {
  const place = parseLocation(output)
  const isNamed = place === undefined || place.name !== undefined
  if (isNamed && tag !== undefined) {
    throw new PycdsError('USAGE', {
      message: `--tag ${tag}: --output ${output} names the new image already`,
      hint: 'Give only one of the two names.',
    })
  }
  if (place === undefined) return formatReference(parseReference(output))
  if (place.digest !== undefined) {
    throw new PycdsError('USAGE', {
      message: `--output ${output}: the digest of a new image cannot be chosen`,
      hint: 'Give it a tag.',
    })
  }
  if (isNamed) return formatLocation(place)
  if (tag !== undefined) return formatLocation(renameLocation(place, tag))
  const chosen = defaultName(place, name, source)
  return formatLocation(chosen === undefined ? place : renameLocation(place, chosen))
}

/** The name that the image would have beside its source, as far as it is one where it goes. */
function defaultName(place: Location, name: string, source: Location | undefined): string | undefined {
  const isWhole = place.kind === 'docker-archive'
  if (source !== undefined && source.kind !== 'docker-archive') {
    return isWhole ? undefined : defaultOutputLocation(source).name
  }
  const old = source === undefined ? name : source.name
  if (old === undefined) return isWhole ? undefined : 'latest-cds'
  const reference = defaultOutputReference(parseReference(old))
  return isWhole ? formatReference(reference) : (reference.tag ?? 'latest-cds')
}

function isSame(a: string, b: string): boolean {
  const [one, other] = [parseLocation(a), parseLocation(b)]
  if (one === undefined || other === undefined) {
    return one === other && formatReference(parseReference(a)) === formatReference(parseReference(b))
  }
  return one.kind === other.kind && resolve(one.path) === resolve(other.path) && one.name === other.name
}
