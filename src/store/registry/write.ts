// SPDX-License-Identifier: Apache-2.0
// What is new goes up, everything else stays where it is: blobs first, several at a time, then manifests, each after what
// it names, and the tag last. Whoever reads meanwhile sees the tag before or after, never between.
import { buffer } from 'node:stream/consumers'
import {
  DEFAULT_TAG,
  type Descriptor,
  type Digest,
  type Index,
  kindOf,
  type Location,
  MEDIA_TYPES,
  REF_NAME,
  sha256Digest,
  validateIndex,
  validateManifest,
} from '../../image/index.js'
import { type Blob, type NewEntry, parseJson } from '../../oci/index.js'
import { parseRepository, type Registries, type Repository, Slots } from '../../registry/index.js'

const AT_A_TIME = 4

/** Looks whether a repository can be written to; REGISTRY_REFUSED and others when it cannot. */
export async function assertRegistryPlace({ path }: Location, registries: Registries): Promise<void> {
  await registries.repository(parseRepository(path)).assertWritable()
}

/**
 * Writes an image or index under a tag.
 * @returns the digest that the tag points at
 */
export async function writeRegistry(
  { path, name = DEFAULT_TAG }: Location,
  { publication }: NewEntry,
  registries: Registries,
): Promise<Digest> {
  const repository = registries.repository(parseRepository(path))
  const plan: Plan = { repository, source: publication.blobs, blobs: new Map(), manifests: new Map() }
  const root = await planRoot(publication.descriptors, plan)
  const slots = new Slots(AT_A_TIME)
  const sent = [...plan.blobs.values()].map((blob) => slots.run(() => putBlob(repository, blob)))
  // All are waited for: none goes on behind a failure.
  const results = await Promise.allSettled(sent)
  for (const result of results) if (result.status === 'rejected') throw result.reason
  for (const { digest, bytes, mediaType } of plan.manifests.values()) {
    if (digest !== root.digest) await repository.putManifest(digest, bytes, mediaType)
  }
  await repository.putManifest(name, root.bytes, root.mediaType)
  for (const referrer of publication.referrers) await putReferrer(referrer, plan)
  return root.digest
}

/** What is said of an image goes up behind it. */
async function putReferrer(descriptor: Descriptor, { repository, source }: Plan): Promise<void> {
  const { bytes } = await readRoot(descriptor, { source })
  const subject = `${repository.subject}@${descriptor.digest}`
  const { config, layers, subject: about } = validateManifest(parseJson(bytes, subject), subject)
  if (!about) throw new Error('a referrer without a subject')
  for (const { digest } of [config, ...layers]) {
    const blob = source.get(digest)
    if (blob !== undefined) await repository.putBlob(blob)
  }
  await repository.putReferrer(bytes, descriptor, about.digest)
}

interface Document {
  readonly digest: Digest
  readonly bytes: Buffer
  readonly mediaType: string
}

/** What has to be written. */
interface Plan {
  readonly repository: Repository
  readonly source: ReadonlyMap<Digest, Blob>
  readonly blobs: Map<Digest, Blob>
  /** Each behind those that it names. */
  readonly manifests: Map<Digest, Document>
}

/** A tag points at one document: several images of one name get an index around them. */
async function planRoot(descriptors: readonly Descriptor[], plan: Plan): Promise<Document> {
  for (const descriptor of descriptors) await planManifest(descriptor, plan)
  const [first] = descriptors
  if (first !== undefined && descriptors.length === 1) return await readRoot(first, plan)
  const index: Index = {
    schemaVersion: 2,
    mediaType: MEDIA_TYPES.index,
    manifests: descriptors.map(withoutName),
  }
  const bytes = Buffer.from(JSON.stringify(index))
  return { digest: sha256Digest(bytes), bytes, mediaType: MEDIA_TYPES.index }
}

async function readRoot(
  { digest, mediaType }: Descriptor,
  { source }: Pick<Plan, 'source'>,
): Promise<Document> {
  const blob = source.get(digest)
  if (blob === undefined) throw new Error('a publication without its own manifest')
  return { digest, mediaType, bytes: await buffer(await blob.open()) }
}

async function planManifest(descriptor: Descriptor, plan: Plan): Promise<void> {
  const { digest, mediaType } = descriptor
  const blob = plan.source.get(digest)
  // A part of an index that is not there was not there before.
  if (blob === undefined || plan.manifests.has(digest)) return
  const kind = kindOf(mediaType)
  if (kind === undefined) {
    planBlob(digest, plan)
    return
  }
  // What the repository has, it has with all that belongs to it.
  if (isIn(plan.repository, blob)) return
  const bytes = await buffer(await blob.open())
  const subject = `${plan.repository.subject}@${digest}`
  if (kind === 'index') {
    for (const entry of validateIndex(parseJson(bytes, subject), subject).manifests)
      await planManifest(entry, plan)
  } else {
    const { config, layers } = validateManifest(parseJson(bytes, subject), subject)
    for (const part of [config, ...layers]) planBlob(part.digest, plan)
  }
  plan.manifests.set(digest, { digest, bytes, mediaType })
}

function planBlob(digest: Digest, { repository, source, blobs }: Plan): void {
  const blob = source.get(digest)
  if (blob !== undefined && !isIn(repository, blob)) blobs.set(digest, blob)
}

async function putBlob(repository: Repository, blob: Blob): Promise<void> {
  const { origin } = blob
  await repository.putBlob(blob, origin?.registry === repository.name.registry ? origin : undefined)
}

function isIn({ name }: Repository, { origin }: Blob): boolean {
  return origin?.registry === name.registry && origin.path === name.path
}

function withoutName(descriptor: Descriptor): Descriptor {
  const { annotations = {}, ...rest } = descriptor
  const { [REF_NAME]: _, ...kept } = annotations
  return (Object.keys(kept).length === 0 ? rest : { ...rest, annotations: kept }) as Descriptor
}
