// SPDX-License-Identifier: Apache-2.0
export { LocationStore } from './location-store.js'
