// SPDX-License-Identifier: Apache-2.0
// The form of `docker save` and `docker load`: manifest.json lists the images of a tar, with their configurations and
// layers by the names that these have in it. Engines of every age take it. Newer ones write an OCI layout with a
// manifest.json beside it, where configurations and layers are blobs.
import { type DiffId, type Digest, hexOf } from '../image/index.js'
import type { TarEntry } from '../tar/index.js'

/** One image of an archive. */
export interface ArchiveItem {
  readonly Config: string
  readonly RepoTags?: readonly string[] | null
  /** Oldest first. */
  readonly Layers: readonly string[]
}

/** The member that lists the images. */
export const MANIFEST = 'manifest.json'

const DESCRIPTIONS: readonly string[] = [MANIFEST, 'repositories', 'index.json', 'oci-layout']

/**
 * Whether a member describes the archive as a whole. In an archive made from another one it is written anew or left
 * out: it would describe images that are not there.
 */
export function isDescription(name: string): boolean {
  return DESCRIPTIONS.includes(name)
}

/** The images that the content of manifest.json lists; undefined when it is not such a list. */
export function parseItems(value: unknown): ArchiveItem[] | undefined {
  return Array.isArray(value) && value.every(isItem) ? value : undefined
}

function isItem(value: unknown): value is ArchiveItem {
  const { Config, RepoTags, Layers } = (value ?? {}) as Partial<ArchiveItem>
  const isTexts = (list: unknown) => Array.isArray(list) && list.every((one) => typeof one === 'string')
  return typeof Config === 'string' && isTexts(Layers) && (RepoTags == null || isTexts(RepoTags))
}

/** The digest, in hexadecimal, that a member is named after if it can be a configuration: `HEX.json` or a blob. */
export function hexOfDocument(name: string): string | undefined {
  return /^(?:blobs\/sha256\/)?([0-9a-f]{64})(?:\.json)?$/.exec(name)?.[1]
}

/** The name under which a configuration is written. */
export function configName(digest: Digest): string {
  return `${hexOf(digest)}.json`
}

/** The name under which a layer is written, whatever its compression. */
export function layerName(diffId: DiffId): string {
  return `${hexOf(diffId)}/layer.tar`
}

/** A configuration as a member. */
export function configMember(digest: Digest, bytes: Buffer): TarEntry {
  return member(configName(digest), bytes)
}

/** A layer that is in memory as a member. */
export function layerMember(diffId: DiffId, tar: Buffer): TarEntry {
  return member(layerName(diffId), tar)
}

/** The list of images as a member. */
export function manifestMember(items: readonly ArchiveItem[]): TarEntry {
  return member(MANIFEST, Buffer.from(JSON.stringify(items)))
}

function member(name: string, body: Buffer): TarEntry {
  return { name, type: 'file', mode: 0o644, uid: 0, gid: 0, mtime: new Date(0), body }
}
