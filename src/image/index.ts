// SPDX-License-Identifier: Apache-2.0
// The image vocabulary: pure data and functions, no I/O.
export type { HealthcheckConfig, HistoryEntry, ImageConfig, OpenObject, RunConfig } from './config.js'
export type { DiffId, Digest } from './digest.js'
export { hexOf, isDigestText, parseDiffId, parseDigest, sha256DiffId, sha256Digest } from './digest.js'
export type { ConfigAddition, ConfigRemoval, LayerRecord } from './mutate.js'
export { addSettings, appendLayer, removeLayer, removeSettings } from './mutate.js'
export type { Reference } from './reference.js'
export {
  DEFAULT_TAG,
  defaultOutputReference,
  formatReference,
  isImageId,
  parseReference,
  repositoryOf,
} from './reference.js'
export type { Problem } from './validate.js'
export { findProblems, validateConfig } from './validate.js'
