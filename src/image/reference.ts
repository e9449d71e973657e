// SPDX-License-Identifier: Apache-2.0
// Image names by the grammar of the distribution specification. Names stay as the user
// wrote them: which registry a short name belongs to is the engine's decision.
import { PycdsError } from '../errors/index.js'
import { type Digest, isDigestText, parseDigest } from './digest.js'
import { foreignForm } from './foreign-form.js'

/** A parsed image name. */
export interface Reference {
  /** Registry host with an optional port; absent when the name leaves it to the engine. */
  readonly domain?: string
  /** Repository below the registry. */
  readonly path: string
  readonly tag?: string
  readonly digest?: Digest
}

/** The tag that a name without tag and digest means. */
export const DEFAULT_TAG = 'latest'

const TAG_LIMIT = 128
const NAME_LIMIT = 255
const MAX_PORT = 65535
const LABEL = '(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])'
const IPV6 = '\\[[a-fA-F0-9:]+\\]'
const DOMAIN = new RegExp(`^(?:${LABEL}(?:\\.${LABEL})*|${IPV6})(?::[0-9]+)?$`)
const COMPONENT = /^[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*$/
const TAG = /^[A-Za-z0-9_][A-Za-z0-9_.-]*$/
const IMAGE_ID = /^(?:sha256:)?[0-9a-f]{64}$/

/** Tells whether the text is a full image id, which the grammar does not allow as a name. */
export function isImageId(text: string): boolean {
  return IMAGE_ID.test(text)
}

/** Tells whether {@link parseReference} takes the text. */
export function isImageName(text: string): boolean {
  try {
    parseReference(text)
    return true
  } catch {
    return false
  }
}

/** Parses an image name such as `app`, `host:5000/team/app:1.4` or `app@sha256:...`; throws USAGE. */
export function parseReference(text: string): Reference {
  if (isImageId(text)) throw invalid(text, 'is an image id, not a name', 'Give the image a name first.')
  const foreign = foreignForm(text)
  // Only what cannot be a name: an image may be called `app.tar`.
  if (foreign !== undefined && /^[./~]|:\/\/|:[./~]/.test(text))
    throw invalid(text, foreign.reason, foreign.hint)
  const at = text.indexOf('@')
  const digestText = at < 0 ? undefined : text.slice(at + 1)
  if (digestText !== undefined && !isDigestText(digestText)) {
    throw invalid(text, 'its digest is not sha256:<64 hex digits>')
  }
  const { name, tag } = splitTag(at < 0 ? text : text.slice(0, at))
  if (tag !== undefined && (!TAG.test(tag) || tag.length > TAG_LIMIT)) {
    throw invalid(text, `its tag is not 1 to ${TAG_LIMIT} letters, digits, "_", "." and "-"`)
  }
  const { domain, path } = splitDomain(name)
  if (name.length > NAME_LIMIT) throw invalid(text, `its name is longer than ${NAME_LIMIT} characters`)
  if (domain !== undefined && !DOMAIN.test(domain)) throw invalid(text, 'its registry is not a host name')
  if (Number(/:(\d+)$/.exec(domain ?? '')?.[1] ?? 1) > MAX_PORT)
    throw invalid(text, `its port is not 0 to ${MAX_PORT}`)
  for (const component of path.split('/')) {
    if (!COMPONENT.test(component)) throw invalid(text, reasonForComponent(component))
  }
  return {
    ...(domain === undefined ? {} : { domain }),
    path,
    ...(tag === undefined ? {} : { tag }),
    ...(digestText === undefined ? {} : { digest: parseDigest(digestText) }),
  }
}

/** Writes a reference the way {@link parseReference} reads it. */
export function formatReference(reference: Reference): string {
  const tag = reference.tag === undefined ? '' : `:${reference.tag}`
  const digest = reference.digest === undefined ? '' : `@${reference.digest}`
  return `${repositoryOf(reference)}${tag}${digest}`
}

/** Returns the name without tag and digest. */
export function repositoryOf(reference: Reference): string {
  return reference.domain === undefined ? reference.path : `${reference.domain}/${reference.path}`
}

/** Chooses the name of a baked image: the source's with `-cds` behind its tag; throws USAGE when that is too long. */
export function defaultOutputReference(reference: Reference): Reference {
  const { digest, ...name } = reference
  const tag = name.tag === undefined && digest !== undefined ? 'cds' : `${name.tag ?? DEFAULT_TAG}-cds`
  if (tag.length > TAG_LIMIT) {
    throw invalid(
      formatReference(reference),
      'its tag leaves no room for "-cds"',
      'Name the output with --tag.',
    )
  }
  return { ...name, tag }
}

function splitTag(text: string): { name: string; tag?: string } {
  const colon = text.lastIndexOf(':')
  // A colon before the last slash belongs to the registry's port.
  if (colon < 0 || colon < text.lastIndexOf('/')) return { name: text }
  return { name: text.slice(0, colon), tag: text.slice(colon + 1) }
}

function splitDomain(name: string): { domain?: string; path: string } {
  const slash = name.indexOf('/')
  if (slash < 0) return { path: name }
  const first = name.slice(0, slash)
  const isDomain = /[.:]/.test(first) || first === 'localhost' || first !== first.toLowerCase()
  return isDomain ? { domain: first, path: name.slice(slash + 1) } : { path: name }
}

function reasonForComponent(component: string): string {
  if (component === '') return 'a part of its name is empty'
  if (component !== component.toLowerCase()) return 'its repository must be lower case'
  return `${JSON.stringify(component)} is not a valid part of a name`
}

function invalid(
  text: string,
  reason: string,
  hint = 'Write it as [HOST[:PORT]/]NAME[:TAG][@DIGEST].',
): PycdsError {
  return new PycdsError('USAGE', {
    message: `image name ${JSON.stringify(text.slice(0, 300))}: ${reason}`,
    hint,
  })
}
