// SPDX-License-Identifier: Apache-2.0
// One bake for several images of an index.

export { type BakePlatformsPorts, bakePlatforms } from './bake-platforms.js'
