// SPDX-License-Identifier: Apache-2.0
export { ExportStore } from './export-store.js'
export { listLocations } from './list.js'
export { LocationStore, type LocationStoreOptions } from './location-store.js'
