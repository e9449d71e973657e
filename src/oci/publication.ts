// SPDX-License-Identifier: Apache-2.0
// What has to be written so that a new image takes the place of an old one, also inside indexes: the parts that
// change, and everything that they refer to. What stays keeps its digest.
import {
  algorithmOf,
  type Descriptor,
  type Digest,
  type Index,
  kindOf,
  REFERENCE_DIGEST,
  REFERENCE_TYPE,
  reviseJson,
  sha256Digest,
  validateIndex,
  validateManifest,
} from '../image/index.js'
import { manifestDescriptor, withoutData } from './append.js'
import { type Blob, type BlobSource, memoryBlob, readDocument } from './blobs.js'
import { blobsOf, type ImageContents } from './contents.js'
import type { Referrer } from './referrer.js'

/** Top-level descriptors and all blobs that they lead to. */
export interface Publication {
  readonly descriptors: readonly Descriptor[]
  readonly blobs: ReadonlyMap<Digest, Blob>
  /** Artifacts about images that no index is around; those about others are in their index. */
  readonly referrers: readonly Descriptor[]
}

/** The algorithms by whose digests blobs can be checked as they are copied. */
const COPIED: readonly string[] = ['sha256', 'sha512']

/**
 * Plans the replacement of manifests by new images below some descriptors.
 * @param about makes what is attached to a new image; in an index it has its place behind the image
 */
export async function planPublication(
  source: BlobSource,
  roots: readonly Descriptor[],
  replaced: ReadonlyMap<Digest, ImageContents>,
  about: (image: ImageContents) => Referrer | undefined = () => undefined,
): Promise<Publication> {
  const blobs = new Map<Digest, Blob>()
  const add = (blob: Blob) => blobs.set(blob.digest, blob)

  /** An image that only gets another name stays what it is. */
  const isGone = (digest: string): boolean => {
    const image = replaced.get(digest as Digest)
    return image !== undefined && sha256Digest(image.manifestBytes) !== digest
  }
  const keep = async (descriptor: Descriptor): Promise<boolean> => {
    const { digest, size } = descriptor
    if (!COPIED.includes(algorithmOf(digest))) return false
    const blob = await source.find(digest, descriptor)
    if (blob !== undefined && blob.size === size) add(blob)
    return blob !== undefined
  }
  const revise = async (old: Descriptor): Promise<Descriptor | undefined> => {
    const image = replaced.get(old.digest)
    if (image !== undefined) {
      for (const blob of blobsOf(image, memoryBlob)) add(blob)
      return manifestDescriptor(image, old)
    }
    const subject =
      old.annotations?.[REFERENCE_TYPE] === undefined ? undefined : old.annotations[REFERENCE_DIGEST]
    // An attestation of what is no longer there.
    if (subject !== undefined && isGone(subject)) return undefined
    return kindOf(old.mediaType) === 'index' ? await reviseIndex(old) : await keepManifest(old)
  }
  /** What is attached to the image that takes the place of a manifest. */
  const attach = ({ digest }: Descriptor): Descriptor[] => {
    const image = replaced.get(digest)
    const referrer = image && about(image)
    for (const blob of referrer?.blobs ?? []) add(blob)
    return toList(referrer?.descriptor)
  }
  const keepManifest = async (old: Descriptor): Promise<Descriptor | undefined> => {
    // A layout may hold only some platforms of an index; the others stay absent.
    if (!(await keep(old)) || kindOf(old.mediaType) === undefined) return old
    if (algorithmOf(old.digest) !== 'sha256') return old
    const { value } = await readDocument(source, old, 'manifest')
    const manifest = validateManifest(value, `${source.subject}: manifest ${old.digest}`)
    if (manifest.subject && isGone(manifest.subject.digest)) return undefined
    for (const part of [manifest.config, ...manifest.layers]) await keep(part)
    return old
  }
  const reviseIndex = async (old: Descriptor): Promise<Descriptor> => {
    const { bytes: text, value } = await readDocument(source, old, 'index')
    const index = validateIndex(value, `${source.subject}: index ${old.digest}`)
    const entries: Descriptor[] = []
    for (const entry of index.manifests) entries.push(...toList(await revise(entry)), ...attach(entry))
    if (
      entries.length === index.manifests.length &&
      entries.every((entry, i) => entry === index.manifests[i])
    ) {
      await keep(old)
      return old
    }
    const next: Index = { ...index, manifests: entries }
    const bytes = Buffer.from(reviseJson(String(text), next))
    add(memoryBlob(sha256Digest(bytes), bytes))
    return { ...withoutData(old), digest: sha256Digest(bytes), size: bytes.length }
  }

  const descriptors: Descriptor[] = []
  for (const root of roots) descriptors.push(...toList(await revise(root)))
  return { descriptors, blobs, referrers: roots.flatMap(attach) }
}

function toList<T>(value: T | undefined): T[] {
  return value === undefined ? [] : [value]
}
