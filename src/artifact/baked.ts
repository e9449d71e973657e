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
    manifest: parseManifest(await image.readFile(MANIFEST_PATH)),
  }
}

/** The bytecode files that an earlier bake added, by absolute path; they go with its layer. */
export async function earlierBytecode(image: Pick<Container, 'readFile'>): Promise<readonly string[]> {
  return parseManifest(await image.readFile(MANIFEST_PATH))?.bytecode.paths ?? []
}
