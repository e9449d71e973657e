// SPDX-License-Identifier: Apache-2.0
// What an earlier bake left in an image.
import { ARCHIVE_PATH, MANIFEST_PATH } from '../layer/marks.js'
import type { Container } from '../ports/index.js'
import { type Manifest, parseManifest } from './manifest.js'

/** Each is undefined where the image holds none. */
export interface BakedContent {
  archive: Buffer | undefined
  manifest: Manifest | undefined
}

/** Reads archive and manifest of an image. */
export async function readBaked(image: Pick<Container, 'readFile'>): Promise<BakedContent> {
  return {
    archive: await image.readFile(ARCHIVE_PATH),
    manifest: await readManifest(image),
  }
}

/** Reads the manifest alone. */
export async function readManifest(image: Pick<Container, 'readFile'>): Promise<Manifest | undefined> {
  return parseManifest(await image.readFile(MANIFEST_PATH))
}
