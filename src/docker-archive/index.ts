// SPDX-License-Identifier: Apache-2.0
export {
  type ArchiveItem,
  configMember,
  configName,
  hexOfDocument,
  isDescription,
  layerMember,
  layerName,
  MANIFEST,
  manifestMember,
  parseItems,
} from './format.js'
