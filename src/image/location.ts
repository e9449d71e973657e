// SPDX-License-Identifier: Apache-2.0
// Images that lie in files, `oci:DIR[:TAG]`, `oci-archive:FILE[:TAG]`, `docker-archive:FILE[:NAME[:TAG]]`, or in a registry,
// `registry:HOST[:PORT]/REPO[:TAG|@DIGEST]`, for which `docker://` is another way to write it. Anything else is the name of
// an image in an engine. As with other tools, a path cannot hold a colon.
import { PycdsError } from '../errors/index.js'
import { present } from '../util/present.js'
import { type Digest, isDigestText } from './digest.js'
import { DEFAULT_TAG, defaultOutputReference, formatReference, parseReference } from './reference.js'

export const LOCATION_KINDS = ['oci', 'oci-archive', 'docker-archive', 'registry'] as const
export type LocationKind = (typeof LOCATION_KINDS)[number]

/** How locations are written, as the next step of an error. */
export const LOCATION_HINT =
  'Write oci:DIR[:TAG], oci-archive:FILE[:TAG], docker-archive:FILE[:NAME:TAG] or registry:HOST/REPO[:TAG].'

/** A parsed location. */
export interface Location {
  readonly kind: LocationKind
  /** As it was written: relative to the working directory, or absolute. Of a registry: `HOST[:PORT]/REPO`. */
  readonly path: string
  /** The image's name in a layout or archive with several; `app:1` in a Docker archive. */
  readonly name?: string
  /** Picks a manifest or index instead of a name, written `@sha256:...`. In a registry there may be a name beside it. */
  readonly digest?: Digest
}

const REF_NAME = /^[A-Za-z0-9]+(?:(?:[-._:@/+]|--)[A-Za-z0-9]+)*$/
const NAME_LIMIT = 255
/** What a path of Windows begins with; no tag begins as what follows the colon. */
const DRIVE = /^[A-Za-z]:[/\\]/
/** As skopeo writes a location of a registry. */
const SYNONYM = 'docker://'
const HUB = 'docker.io'

/** Whether the text is a location; it may still be a wrong one. */
export function isLocation(text: string): boolean {
  return text.startsWith(SYNONYM) || LOCATION_KINDS.some((kind) => text.startsWith(`${kind}:`))
}

/** Whether the text, which may be a pattern for several, is a location of a registry. */
export function isInRegistry(text: string): boolean {
  return text.startsWith(SYNONYM) || text.startsWith('registry:')
}

/** Parses a location; undefined for the name of an image in an engine. Throws USAGE for a wrong one. */
export function parseLocation(text: string): Location | undefined {
  if (text.startsWith(SYNONYM)) return inRegistry(text, text.slice(SYNONYM.length), HUB)
  const kind = LOCATION_KINDS.find((one) => text.startsWith(`${one}:`))
  if (kind === undefined) return undefined
  const rest = text.slice(kind.length + 1)
  if (kind === 'registry') return inRegistry(text, rest, undefined)
  const colon = rest.indexOf(':', DRIVE.test(rest) ? 2 : 0)
  const path = colon < 0 ? rest : rest.slice(0, colon)
  const name = colon < 0 ? undefined : rest.slice(colon + 1)
  if (path === '') throw invalid(text, 'it has no path')
  if (path.includes('\0')) throw invalid(text, 'its path has a NUL in it')
  if (name === undefined) return { kind, path }
  if (name.startsWith('@') && kind !== 'docker-archive') return { kind, path, digest: digestOf(text, name) }
  if (kind === 'docker-archive') return { kind, path, name: archiveName(text, name) }
  if (!REF_NAME.test(name) || name.length > NAME_LIMIT) throw invalid(text, 'its tag is not a valid one')
  return { kind, path, name }
}

/** Writes a location the way {@link parseLocation} reads it. */
export function formatLocation({ kind, path, name, digest }: Location): string {
  if (kind === 'registry') return `${kind}:${nameInEngines({ path, ...present({ name, digest }) })}`
  const suffix = name ?? (digest === undefined ? undefined : `@${digest}`)
  return `${kind}:${path}${suffix === undefined ? '' : `:${suffix}`}`
}

/** The name by which engines pull what a location of a registry names. */
export function nameInEngines({ path, name, digest }: Pick<Location, 'path' | 'name' | 'digest'>): string {
  return `${path}${name === undefined ? '' : `:${name}`}${digest === undefined ? '' : `@${digest}`}`
}

/**
 * Chooses where a baked image goes: `-cds` behind the tag, in the same layout. An archive is a file of its own,
 * so its new image goes to one beside it.
 */
export function defaultOutputLocation(location: Location): Location {
  const { kind, path, name, digest } = location
  if (kind === 'docker-archive') {
    return {
      kind,
      path: besides(path),
      ...(name === undefined ? {} : { name: formatReference(defaultOutputReference(parseReference(name))) }),
    }
  }
  const tag = name === undefined && digest !== undefined ? 'cds' : `${name ?? DEFAULT_TAG}-cds`
  if (kind === 'registry') defaultOutputReference({ path: 'image', ...present({ tag: name }) }) // may be too long
  return { kind, path: kind === 'oci-archive' ? besides(path) : path, name: tag }
}

/** Gives a location another tag (`fast`), or another name where names are whole (`app:fast`). */
export function renameLocation(location: Location, name: string): Location {
  const { kind, path } = location
  return parseLocation(`${kind}:${path}:${name}`) ?? location
}

function besides(path: string): string {
  const [, stem = path, extension = ''] = /^(.*[^/])(\.(?:tar|oci|docker)(?:\.\w+)?)$/.exec(path) ?? []
  return `${stem.replace(/\/+$/, '')}-cds${extension}`
}

/** @param home the registry of a name without one; a name needs one where there is none */
function inRegistry(text: string, rest: string, home: string | undefined): Location {
  if (rest === '') throw invalid(text, 'it names no registry')
  const { domain, path, tag, digest } = parseReference(rest)
  const slash = path.indexOf('/')
  // What stands in front is the registry, also where names of engines would not take it for one.
  if (domain === undefined && home === undefined && slash < 0) throw invalid(text, 'it names no registry')
  const isOfHome = domain === undefined && home !== undefined
  const full = isOfHome
    ? `${home}/${slash < 0 ? 'library/' : ''}${path}`
    : [domain, path].filter(Boolean).join('/')
  return { kind: 'registry', path: full, ...present({ name: tag, digest }) }
}

function digestOf(text: string, name: string): Digest {
  const digest = name.slice(1)
  if (!isDigestText(digest)) throw invalid(text, 'its digest is not sha256:<64 hex digits>')
  return digest as Digest
}

function archiveName(text: string, name: string): string {
  const parsed = parseReference(name)
  if (parsed.digest !== undefined) throw invalid(text, 'names in a Docker archive have no digest')
  return formatReference({ ...parsed, tag: parsed.tag ?? DEFAULT_TAG })
}

function invalid(text: string, reason: string): PycdsError {
  return new PycdsError('USAGE', {
    message: `location ${JSON.stringify(text.slice(0, 300))}: ${reason}`,
    hint: LOCATION_HINT,
  })
}
