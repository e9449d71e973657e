// SPDX-License-Identifier: Apache-2.0
// A tag or digest of a registry as a place with one image or index in it. Layers are not asked for before they are read.
import {
  DEFAULT_TAG,
  type Descriptor,
  type Digest,
  formatLocation,
  type Index,
  kindOf,
  type Location,
  REF_NAME,
} from '../../image/index.js'
import { type Blob, type Medium, memoryBlob, type Wanted } from '../../oci/index.js'
import {
  type Fetchable,
  parseRepository,
  type Registries,
  type Repository,
  type RepositoryName,
  statusOf,
} from '../../registry/index.js'

/** Opens what a location names; IMAGE_NOT_FOUND when there is none, else as registries fail. */
export async function openRegistry(location: Location, registries: Registries): Promise<Medium> {
  const { path, name, digest } = location
  const repository = registries.repository(parseRepository(path))
  const tag = name ?? (digest === undefined ? DEFAULT_TAG : undefined)
  const stored = await repository.manifest(digest ?? tag ?? DEFAULT_TAG)
  const entry: Descriptor = {
    mediaType: stored.mediaType,
    digest: stored.digest,
    size: stored.bytes.length,
    ...(tag === undefined ? {} : { annotations: { [REF_NAME]: tag } }),
  }
  const index: Index = { schemaVersion: 2, manifests: [entry] }
  // What a mirror has the registry itself need not have yet.
  const origin = stored.fromMirror ? undefined : repository.name
  return {
    subject: formatLocation(location),
    index,
    find: (wanted, of) => find(repository, registries, wanted, { origin, of }),
  }
}

async function find(
  repository: Repository,
  registries: Registries,
  digest: Digest,
  { origin, of }: { origin: RepositoryName | undefined; of: Wanted | undefined },
): Promise<Blob | undefined> {
  const from = origin === undefined ? {} : { origin }
  if (of === undefined || kindOf(of.mediaType) !== undefined) {
    const manifest = await findManifest(repository, digest)
    return manifest && { ...manifest, ...from }
  }
  const fetchable: Fetchable = {
    digest,
    size: of.size,
    subject: repository.subject,
    fetch: () => repository.readBlob(digest, of.size),
  }
  return {
    digest,
    size: of.size,
    ...from,
    open: () => registries.cache.open(fetchable),
    prefetch: () => registries.cache.prefetch(fetchable),
  }
}

/** An index may name platforms whose manifests are elsewhere. */
async function findManifest(repository: Repository, digest: Digest): Promise<Blob | undefined> {
  try {
    const { bytes } = await repository.manifest(digest)
    return memoryBlob(digest, bytes)
  } catch (error) {
    if (statusOf(error) === 404) return undefined
    throw error
  }
}
