// SPDX-License-Identifier: Apache-2.0
// The image vocabulary: pure data and functions, no I/O.

export {
  ARCHITECTURES,
  type Architecture,
  findArchitecture,
  imageArchitecture,
  nodeArchitecture,
} from './architecture.js'
export type { Problem } from './check.js'
export type { HealthcheckConfig, HistoryEntry, ImageConfig, OpenObject, RunConfig } from './config.js'
export type { DiffId, Digest } from './digest.js'
export {
  algorithmOf,
  blobPath,
  chainId,
  hexOf,
  isDigestText,
  otherAlgorithm,
  parseDiffId,
  parseDigest,
  sha256DiffId,
  sha256Digest,
  shortId,
} from './digest.js'
export { type ForeignForm, foreignForm, lostPath } from './foreign-form.js'
export {
  defaultOutputLocation,
  formatLocation,
  isLocation,
  LOCATION_HINT,
  LOCATION_KINDS,
  type Location,
  type LocationKind,
  nameInEngines,
  parseLocation,
  renameLocation,
} from './location.js'
export {
  artifactTypeOf,
  type Compression,
  compressionOf,
  type Descriptor,
  formatPlatform,
  gzipLayerTypeFor,
  type Index,
  kindOf,
  type Manifest,
  MEDIA_TYPES,
  type Platform,
  REF_NAME,
  REFERENCE_DIGEST,
  REFERENCE_TYPE,
  validateIndex,
  validateManifest,
} from './manifest.js'
export type { ConfigAddition, ConfigRemoval, LayerRecord } from './mutate.js'
export { addSettings, appendLayer, removeLayer, removeSettings } from './mutate.js'
export { ImageNames } from './names.js'
export type { Reference } from './reference.js'
export {
  DEFAULT_TAG,
  defaultOutputReference,
  formatReference,
  isImageId,
  isImageName,
  parseReference,
  repositoryOf,
} from './reference.js'
export { reviseJson } from './revise-json.js'
export { commandOf, DEFAULT_PATH, environmentOf } from './run-settings.js'
export { creationText, creationTime } from './time.js'
export { findUser, type ImageUser, type UnknownUser, type UserFiles } from './user.js'
export { findProblems, validateConfig } from './validate.js'
