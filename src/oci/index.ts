// SPDX-License-Identifier: Apache-2.0
// Images as blobs, whatever holds the blobs.
export { appendTo, manifestDescriptor } from './append.js'
export {
  type Blob,
  type BlobSource,
  damaged,
  memoryBlob,
  openVerified,
  parseJson,
  readDocument,
  requireBlob,
  verify,
  type Wanted,
} from './blobs.js'
export { changePlace } from './change.js'
export { chooseEntries } from './choose-entries.js'
export { compressLayers } from './compress-layers.js'
export { blobsOf, type ImageContents, type LayerContents, openImage, openLayer } from './contents.js'
export { compress, decompress, sniffCompression } from './decompress.js'
export { fileError, notKept, withFiles } from './files.js'
export { type FoundImage, findImages } from './find-images.js'
export { EMPTY_INDEX, indexTextWith, type Medium, type NewEntry } from './medium.js'
export { nameOf } from './name.js'
export { type Publication, planPublication } from './publication.js'
export { makeReferrer, type Referrer } from './referrer.js'
export { hostPlatform, parsePlatform, selectImage } from './select.js'
export { makeTemporary, TEMPORARY_PREFIX, temporaryError, withRoom } from './temporary.js'
