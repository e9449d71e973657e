// SPDX-License-Identifier: Apache-2.0
// Registries, as the distribution specification has them.
export { BlobCache, type BlobCacheOptions, type Fetchable } from './blob-cache.js'
export { statusOf } from './error.js'
export type { StoredManifest } from './manifests.js'
export { formatRepository, parseRepository, type RepositoryName } from './name.js'
export { cosignTags, isCompanionTag, type Referrer } from './referrers.js'
export { Registries, type RegistriesOptions } from './registries.js'
export { Repository } from './repository.js'
export { Slots } from './slots.js'
