// SPDX-License-Identifier: Apache-2.0
// Attachments as registries have them: manifests with a subject, and the tags that cosign makes.
import { buffer } from 'node:stream/consumers'
import {
  DEFAULT_TAG,
  type Descriptor,
  type Digest,
  type Location,
  type Manifest,
  MEDIA_TYPES,
  parseDigest,
  parseLocation,
  sha256Digest,
  validateManifest,
} from '../../image/index.js'
import { damaged, memoryBlob, parseJson } from '../../oci/index.js'
import type {
  AttachedDocument,
  Attachment,
  AttachmentKind,
  AttachmentStore,
  NewAttachment,
} from '../../ports/index.js'
import { cosignTags, parseRepository, type Registries, type Repository, Slots } from '../../registry/index.js'
import { formatBytes } from '../../util/units.js'

/** The content of what has no configuration, by the image specification. */
const EMPTY = Buffer.from('{}')
const EMPTY_TYPE = 'application/vnd.oci.empty.v1+json'

const AT_A_TIME = 8
/** Of what is read into memory. A trace of ten thousand modules has a few megabytes. */
const MAX_DOCUMENT_BYTES = 128 * 1024 * 1024

/** A manifest that others can be about. */
interface Subject {
  readonly repository: Repository
  readonly descriptor: Pick<Descriptor, 'mediaType' | 'digest' | 'size'>
}

export class RegistryAttachments implements AttachmentStore {
  readonly #registries: Registries

  constructor(registries: Registries) {
    this.#registries = registries
  }

  holds(reference: string): boolean {
    return parseLocation(reference)?.kind === 'registry'
  }

  async list(reference: string): Promise<Attachment[]> {
    const { repository, descriptor } = await this.#subject(reference)
    const [entries, tags] = await Promise.all([
      listed(repository, descriptor.digest),
      repository.existing(cosignTags(descriptor.digest)),
    ])
    const tagged = tags.map((tag): Attachment => {
      const kind = tag.endsWith('.sig') ? 'signature' : 'attestation'
      return { digest: tag, type: `cosign ${tag.slice(tag.lastIndexOf('.') + 1)}`, kind }
    })
    return [...entries.map(toAttachment), ...tagged]
  }

  async copy(from: string, to: string, digests: readonly string[]): Promise<void> {
    if (digests.length === 0) return
    const [source, target] = [await this.#subject(from), await this.#subject(to)]
    const entries = await source.repository.referrers(source.descriptor.digest)
    for (const entry of entries.filter(({ digest }) => digests.includes(digest))) {
      await copyOne(entry, source.repository, target)
    }
  }

  async attach(reference: string, document: NewAttachment): Promise<string> {
    const { artifactType, mediaType, content, annotations = {} } = document
    const target = await this.#subject(reference)
    const digest = sha256Digest(content)
    const config = { mediaType: EMPTY_TYPE, digest: sha256Digest(EMPTY), size: EMPTY.length }
    const manifest: Manifest = {
      schemaVersion: 2,
      mediaType: MEDIA_TYPES.manifest,
      artifactType,
      config,
      layers: [{ mediaType, digest, size: content.length }],
      subject: target.descriptor,
      ...(Object.keys(annotations).length === 0 ? {} : { annotations }),
    }
    await target.repository.putBlob(memoryBlob(config.digest, EMPTY))
    await target.repository.putBlob(memoryBlob(digest, content))
    return await put(target, manifest)
  }

  async read(reference: string, artifactType: string): Promise<AttachedDocument[]> {
    const { repository, descriptor } = await this.#subject(reference)
    const entries = await listed(repository, descriptor.digest)
    const found: AttachedDocument[] = []
    for (const entry of entries.filter((one) => toAttachment(one).type === artifactType)) {
      const { manifest } = await readManifest(repository, entry.digest)
      const [document] = manifest.layers
      if (document === undefined) continue
      const content = await this.#readBlob(repository, document)
      found.push({ digest: entry.digest, content, annotations: manifest.annotations ?? {} })
    }
    return found
  }

  async #readBlob(repository: Repository, { digest, size }: Descriptor): Promise<Buffer> {
    if (size > MAX_DOCUMENT_BYTES)
      throw damaged(`${repository.subject}: document ${digest} has ${formatBytes(size)}, too many to be read`)
    const fetch = () => repository.readBlob(digest, size)
    return await buffer(
      await this.#registries.cache.open({ digest, size, subject: repository.subject, fetch }),
    )
  }

  async #subject(reference: string): Promise<Subject> {
    const location = parseLocation(reference)
    if (location?.kind !== 'registry') throw new Error(`no location of a registry: ${reference}`)
    const repository = this.#registries.repository(parseRepository(location.path))
    const { bytes, mediaType, digest } = await repository.manifest(referenceOf(location))
    return { repository, descriptor: { mediaType, digest, size: bytes.length } }
  }
}

function referenceOf({ name, digest }: Location): string {
  return digest ?? name ?? DEFAULT_TAG
}

/** The list of a manifest. Some registries give the type of the empty configuration for that of the artifact. */
async function listed(repository: Repository, digest: Digest): Promise<Descriptor[]> {
  const entries = await repository.referrers(digest)
  const slots = new Slots(AT_A_TIME)
  const describe = async (entry: Descriptor): Promise<Descriptor> => {
    if (entry.artifactType && entry.artifactType !== EMPTY_TYPE) return entry
    const { manifest } = await slots.run(() => readManifest(repository, entry.digest))
    return { ...entry, artifactType: manifest.artifactType ?? manifest.config.mediaType }
  }
  return await Promise.all(entries.map(describe))
}

/** Types of statements that name the digest which they are about in themselves: they say nothing of another image. */
const KINDS: readonly (readonly [AttachmentKind, RegExp])[] = [
  [
    'signature',
    /cosign\.(?:artifact\.sig|simplesigning)|cncf\.notary|notary\.signature|sigstore\.bundle|\.sig\b/,
  ],
  ['attestation', /in-toto|dsse|cosign\.(?:attestation|artifact\.att)|slsa/],
]

function toAttachment({ digest, artifactType, mediaType }: Descriptor): Attachment {
  const type = artifactType || mediaType
  const kind = KINDS.find(([, pattern]) => pattern.test(type))?.[0] ?? 'other'
  return { digest, type, kind }
}

async function readManifest(
  repository: Repository,
  digest: string,
): Promise<{ manifest: Manifest; mediaType: string }> {
  const { bytes, mediaType } = await repository.manifest(digest)
  const subject = `${repository.subject}@${digest}`
  return { manifest: validateManifest(parseJson(bytes, subject), subject), mediaType }
}

async function copyOne(entry: Descriptor, from: Repository, target: Subject): Promise<void> {
  const { manifest } = await readManifest(from, entry.digest)
  for (const { digest, size } of [manifest.config, ...manifest.layers]) {
    const blob = { digest, size, open: async () => from.readBlob(digest, size) }
    const isSameRegistry = from.name.registry === target.repository.name.registry
    const isHere = isSameRegistry && from.name.path === target.repository.name.path
    if (!isHere) await target.repository.putBlob(blob, isSameRegistry ? from.name : undefined)
  }
  await put(target, { ...manifest, subject: target.descriptor })
}

async function put({ repository, descriptor }: Subject, manifest: Manifest): Promise<Digest> {
  const bytes = Buffer.from(JSON.stringify(manifest))
  const digest = sha256Digest(bytes)
  const artifactType = manifest.artifactType ?? manifest.config.mediaType
  const entry: Descriptor = {
    mediaType: manifest.mediaType ?? MEDIA_TYPES.manifest,
    digest,
    size: bytes.length,
    artifactType,
    ...(manifest.annotations === undefined ? {} : { annotations: manifest.annotations }),
  }
  await repository.putReferrer(bytes, entry, parseDigest(descriptor.digest))
  return digest
}
