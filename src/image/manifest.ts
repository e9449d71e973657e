// SPDX-License-Identifier: Apache-2.0
// Manifests and indexes, of OCI and of Docker's schema 2, as values. Unknown fields are carried along.
import { PycdsError } from '../errors/index.js'
import { type Check, listOf, mapOf, nullable, optional, record, unless } from './check.js'
import type { OpenObject } from './config.js'
import { type Digest, isDigestText, isOtherDigest } from './digest.js'

/** What an entry of an index runs on. */
export interface Platform extends OpenObject {
  readonly os: string
  readonly architecture: string
  readonly variant?: string
}

/** Points at a blob. */
export interface Descriptor extends OpenObject {
  readonly mediaType: string
  readonly digest: Digest
  /** Bytes. */
  readonly size: number
  readonly platform?: Platform
  /** Of what is no image. */
  readonly artifactType?: string
  readonly annotations?: Readonly<Record<string, string>>
}

/** The manifest of one image. */
export interface Manifest extends OpenObject {
  readonly schemaVersion: 2
  readonly mediaType?: string
  /** Of what is no image. */
  readonly artifactType?: string
  readonly config: Descriptor
  /** Oldest first. */
  readonly layers: readonly Descriptor[]
  /** The manifest that it says something of. */
  readonly subject?: Descriptor | null
  readonly annotations?: Readonly<Record<string, string>>
}

/** A list of manifests and of other indexes. */
export interface Index extends OpenObject {
  readonly schemaVersion: 2
  readonly mediaType?: string
  readonly manifests: readonly Descriptor[]
  readonly annotations?: Readonly<Record<string, string>>
}

export const MEDIA_TYPES = {
  index: 'application/vnd.oci.image.index.v1+json',
  dockerIndex: 'application/vnd.docker.distribution.manifest.list.v2+json',
  manifest: 'application/vnd.oci.image.manifest.v1+json',
  dockerManifest: 'application/vnd.docker.distribution.manifest.v2+json',
  config: 'application/vnd.oci.image.config.v1+json',
  dockerConfig: 'application/vnd.docker.container.image.v1+json',
  layer: 'application/vnd.oci.image.layer.v1.tar',
  layerGzip: 'application/vnd.oci.image.layer.v1.tar+gzip',
  dockerLayerGzip: 'application/vnd.docker.image.rootfs.diff.tar.gzip',
} as const

export const REF_NAME = 'org.opencontainers.image.ref.name'
/** On an entry of an index that says something of another one and is no platform: an SBOM, a provenance. */
export const REFERENCE_TYPE = 'vnd.docker.reference.type'
/** On such an entry: the digest of the one it is about. */
export const REFERENCE_DIGEST = 'vnd.docker.reference.digest'

export type Compression = 'none' | 'gzip' | 'zstd'

const LAYER_TYPES: Readonly<Record<string, Compression>> = {
  [MEDIA_TYPES.layer]: 'none',
  [MEDIA_TYPES.layerGzip]: 'gzip',
  'application/vnd.oci.image.layer.v1.tar+zstd': 'zstd',
  'application/vnd.oci.image.layer.nondistributable.v1.tar': 'none',
  'application/vnd.oci.image.layer.nondistributable.v1.tar+gzip': 'gzip',
  'application/vnd.oci.image.layer.nondistributable.v1.tar+zstd': 'zstd',
  'application/vnd.docker.image.rootfs.diff.tar': 'none',
  [MEDIA_TYPES.dockerLayerGzip]: 'gzip',
  'application/vnd.docker.image.rootfs.diff.tar.zstd': 'zstd',
  'application/vnd.docker.image.rootfs.foreign.diff.tar.gzip': 'gzip',
}

/** How a layer of a media type is compressed; undefined for one that is no layer's. */
export function compressionOf(mediaType: string): Compression | undefined {
  return Object.hasOwn(LAYER_TYPES, mediaType) ? LAYER_TYPES[mediaType] : undefined
}

/** Families of layers, of which some members may be unknown here. */
const LAYER_FAMILIES = ['application/vnd.oci.image.layer.', 'application/vnd.docker.image.rootfs.']

/**
 * What a manifest holds that is no image: the type of the artifact; undefined for an image. Signatures have the
 * configuration of an image, and are told by what would be their layers.
 */
export function artifactTypeOf({ artifactType, config, layers }: Manifest): string | undefined {
  if (artifactType) return artifactType
  const { mediaType } = config
  if (mediaType !== MEDIA_TYPES.config && mediaType !== MEDIA_TYPES.dockerConfig) return mediaType
  const isLayer = (layer: Descriptor) => LAYER_FAMILIES.some((family) => layer.mediaType.startsWith(family))
  return layers.some(isLayer) ? undefined : layers[0]?.mediaType
}

/** What a descriptor of an index points at; undefined for anything that is neither. */
export function kindOf(mediaType: string): 'index' | 'manifest' | undefined {
  if (mediaType === MEDIA_TYPES.index || mediaType === MEDIA_TYPES.dockerIndex) return 'index'
  if (mediaType === MEDIA_TYPES.manifest || mediaType === MEDIA_TYPES.dockerManifest) return 'manifest'
  return undefined
}

/** The media type of a gzip layer in a manifest of the given kind: the two families are not mixed. */
export function gzipLayerTypeFor(manifest: Manifest): string {
  const isDocker =
    manifest.mediaType === MEDIA_TYPES.dockerManifest ||
    manifest.config.mediaType === MEDIA_TYPES.dockerConfig
  return isDocker ? MEDIA_TYPES.dockerLayerGzip : MEDIA_TYPES.layerGzip
}

/** `linux/arm64/v8`, as it is written on command lines. */
export function formatPlatform({ os, architecture, variant }: Platform): string {
  return [os, architecture, ...(variant ? [variant] : [])].join('/')
}

const text: Check = (value, path) => unless(typeof value === 'string', path, 'a string')
const digest: Check = (value, path) =>
  unless(isDigestText(value) || isOtherDigest(value), path, 'sha256:<64 hex digits>')
const size: Check = (value, path) =>
  unless(Number.isSafeInteger(value) && (value as number) >= 0, path, 'a size in bytes')
const version: Check = (value, path) => unless(value === 2, path, '2')

const descriptor = record({
  mediaType: text,
  digest,
  size,
  artifactType: optional(nullable(text)),
  platform: optional(nullable(record({ os: text, architecture: text, variant: optional(nullable(text)) }))),
  annotations: optional(nullable(mapOf(text))),
})

const manifest = record({
  schemaVersion: version,
  mediaType: optional(nullable(text)),
  artifactType: optional(nullable(text)),
  config: descriptor,
  layers: listOf(descriptor),
  subject: optional(nullable(descriptor)),
  annotations: optional(nullable(mapOf(text))),
})

const index = record({
  schemaVersion: version,
  mediaType: optional(nullable(text)),
  manifests: listOf(descriptor),
  annotations: optional(nullable(mapOf(text))),
})

/** Returns the value as a manifest; throws IMAGE_INVALID naming each broken path. */
export function validateManifest(value: unknown, subject: string): Manifest {
  return validated(value, manifest, subject) as Manifest
}

/** Returns the value as an index; throws IMAGE_INVALID naming each broken path. */
export function validateIndex(value: unknown, subject: string): Index {
  return validated(value, index, subject) as Index
}

function validated(value: unknown, check: Check, subject: string): unknown {
  const problems = check(value, '$')
  if (problems.length === 0) return value
  const shown = problems.slice(0, 5).map(({ path, expected }) => `${path} is not ${expected}`)
  const more = problems.length > shown.length ? `; and ${problems.length - shown.length} more` : ''
  throw new PycdsError('IMAGE_INVALID', {
    message: `${subject}: ${shown.join('; ')}${more}`,
    hint: 'The image is damaged or of another format; build or copy it again.',
  })
}
